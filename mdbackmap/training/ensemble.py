"""
One model of several: networks that were trained alone, whose distributions are averaged.

``python -m mdbackmap.training.ensemble BOTH.pt ONE.pt OTHER.pt`` writes it. What one network learned by heart, the
others did not: on proteins that none has seen, the average is likelier than each of them.
"""

import dataclasses
import sys

from .. import checkpoint


def combine(models):
    """
    A model whose distributions of torsions are the averages of others'.

    Parameters
    ----------
    models : sequence of GenZProt
        Of equal sizes. Not changed.

    Returns
    -------
    GenZProt
        With the networks of them all; the rest of its configuration is that of the first.

    Raises
    ------
    ValueError
        None or unequal ones.

    Examples
    --------
    >>> from mdbackmap.models.genzprot import GenZProt, GenZProtConfig
    >>> combine([GenZProt(GenZProtConfig(n_features=8, n_layers=1)) for _ in range(2)]).config.n_networks
    2
    """
    models = list(models)
    if not models:
        raise ValueError("no model to put together: expected one or more")
    first = models[0]
    for number, model in enumerate(models):
        if type(model) is not type(first) or model.family != "genzprot":
            raise ValueError(f"model {number} is of family {model.family!r}: expected 'genzprot'")
        unlike = [name for name in _SIZES if getattr(model.config, name) != getattr(first.config, name)]
        if unlike:
            found, expected = (getattr(one.config, unlike[0]) for one in (model, first))
            raise ValueError(f"model {number} has {unlike[0]} = {found}, the first one {expected}: expected the same")
    networks = [network for model in models for network in model.networks]
    joined = type(first)(dataclasses.replace(first.config, n_networks=len(networks)))
    for own, network in zip(joined.networks, networks, strict=True):
        own.load_state_dict(network.state_dict())
    return joined.eval()


_SIZES = (
    "n_features",
    "n_neighbours",
    "n_layers",
    "n_decoder_layers",
    "n_latent",
    "n_channels",
    "n_basis",
    "n_bins",
    "order",
)


def build(filename, *names):
    """
    Put models together and write the outcome, in half precision.

    Parameters
    ----------
    filename : path-like
        The checkpoint to write.
    *names : str or path-like
        Bundled models or checkpoints.
    """
    models, origins = zip(*map(checkpoint.load, names), strict=True)
    known = {key: origins[0][key] for key in ("version", "date", "structures", "data") if key in origins[0]}
    checkpoint.save(filename, combine(models), {**known, "networks": list(origins)}, half=True)


if __name__ == "__main__":
    build(*sys.argv[1:])
