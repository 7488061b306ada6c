"""What an output depends on: the provenance of a conversion, in two levels."""

from __future__ import annotations

import hashlib
import os

import numpy as np

from .. import __version__
from ..commit import commit


def origin(model, asked, files, chosen, first_beads, last_beads=None) -> dict:
    """
    The provenance of an output, as it is stored with it.

    Parameters
    ----------
    model : Backmapper
    asked : dict
        Options of the conversion, plain values.
    files : list of str
        That are read.
    chosen : ndarray of int, shape (F,)
        Numbers of the frames.
    first_beads, last_beads : ndarray of float, shape (N, 3)
        Of the first of them and, where it is known and can be read, of the last one.

    Returns
    -------
    dict of dict
        ``conversion``: what was asked for, input, version and commit of the code; ``model``: what is known of the
        weights. JSON-able, and the same whenever the same is asked for.

    Examples
    --------
    >>> origin(model, {"seed": 0}, ["ca.pdb"], chosen, beads)["conversion"]["seed"]  # doctest: +SKIP
    0
    """
    known = commit()
    conversion = {
        "creator": "mdbackmap",
        "version": __version__,
        **({} if known is None else {"commit": known}),
        "input": [os.path.basename(name) for name in files],
        "frames": {
            "number": len(chosen),
            "first": int(chosen[0]),
            "last": int(chosen[-1]),
            "sha256": _digest(chosen.astype("<i8").tobytes()),
        },
        **asked,
        "n_atoms": model.n_atoms,
        "topology_sha256": _topology_digest(model.topology),
        "mapping_sha256": _mapping_digest(model.converted),
        "first_beads_sha256": _digest(first_beads.tobytes()),
        **({} if last_beads is None else {"last_beads_sha256": _digest(last_beads.tobytes())}),
    }
    return {"conversion": conversion, "model": dict(model.provenance)}


def _digest(content) -> str:
    """A short hash of bytes."""
    return hashlib.sha256(content).hexdigest()[:16]


def _mapping_digest(mapping):
    """A short hash of beads, their atoms and their weights: the same atoms on other beads are another output."""
    text = " ".join(map(str, mapping.coarse.names)) + "\n"
    weights = np.round(1e5 * mapping.weights).astype("<i8")  # 1e5: chosen by hand, rounding is less
    numbers = (weights, mapping.beads.astype("<i8"), mapping.atoms.astype("<i8"))
    return _digest(text.encode() + b"".join(x.tobytes() for x in numbers))


def _topology_digest(topology):
    """A short hash of names, residues and chain ends: other residues of as many atoms are another output."""
    residues = zip(topology.resnames, topology.resids, topology.chainIDs, topology.ends, strict=True)
    text = "\n".join([*map(str, topology.names), *(f"{a} {b} {c} {bool(d)}" for a, b, c, d in residues)])
    return _digest(text.encode())
