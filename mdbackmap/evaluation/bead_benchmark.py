"""
The benchmark by bead models: one model on chains whose atoms are known, seen through beads of several kinds.

Every condition is judged by `metrics` as in `benchmark`, one sample at a time. Beside what `protocol` tells:

===================================== =========================================================================
key                                   what it is
===================================== =========================================================================
bead_mismatch                         angstrom: RMS over beads of the distance to where the atoms put them
moved                                 % of residues with an atom that moves by more than 1 angstrom if noise of 0.01
                                      angstrom in each direction is laid on the beads, random numbers the same
phi_in_50, ...                        calibration, above temperature 0; see `metrics.calibration`
seconds, seconds_ratio_ca             processor time of a frame of 159 residues, in a batch on one thread; as a
                                      multiple of that of C-alphas in the same run
===================================== =========================================================================

Shapes: F frames, R residues, N beads, S samples. Positions are in angstrom.
"""

from dataclasses import replace

import numpy as np
from tqdm import tqdm

from ..chemistry.elements import SLOTS
from ..data.known import Generator
from ..metrics.dihedrals import flat_atoms
from ..metrics.protocol import summarise
from ..molecule.bead_models import CA
from .benchmark import FRAMES_TIMED, RESIDUES_TIMED, one_thread, processor_time, score

NOISE = 0.01  # angstrom in each direction: finer than any simulation tells beads apart; chosen: by hand
MOVED = 1.0  # angstrom; chosen: by hand, another place for an atom


def bead_benchmark(model, chains, beads, *, temperatures=(0.0,), n_samples=5, seed=0, settings=None, verbose=False):
    """
    Judge a model on known chains through several kinds of beads, beside the native structures.

    Parameters
    ----------
    model : Model
    chains : list of Chain
    beads : sequence of BeadModel
        C-alphas come first, named or not: times are compared with theirs.
    temperatures : sequence of float
    n_samples : int
        Of each frame, at temperatures above 0.
    seed : int
    settings : Settings, optional
        Of the pipeline.
    verbose : bool
        Show a progress bar.

    Returns
    -------
    dict of str to dict
        By condition (``native``, ``martini3, T=0``): ``mean``, a dict of numbers, and ``chains``, such a dict for each
        chain's name.

    Raises
    ------
    ValueError
        No chains, or beads that the model cannot use.

    Examples
    --------
    >>> from mdbackmap.checkpoint import load
    >>> from mdbackmap.datafiles import VALIDATION
    >>> from mdbackmap.data.known import read_chains
    >>> from mdbackmap.molecule.bead_models import BEAD_MODELS
    >>> chains, beads = read_chains(VALIDATION, limit=1), [BEAD_MODELS["ca_sc"]]
    >>> table = bead_benchmark(load("genzprot")[0], chains, beads)
    >>> list(table), table["ca_sc, T=0"]["mean"]["rmsd"] < table["ca, T=0"]["mean"]["rmsd"]
    (['native', 'ca, T=0', 'ca_sc, T=0'], True)
    """
    if not chains:
        raise ValueError("no chains to judge by: expected at least one")
    beads, rows = [CA, *(one for one in beads if one is not CA)], {}
    nearest = min(chains, key=lambda chain: abs(len(chain.types) - RESIDUES_TIMED))
    with one_thread():
        for chain in tqdm(chains, desc="benchmark", unit="chain", disable=not verbose):
            rows.setdefault("native", {})[chain.name] = score(chain.positions, chain, 1)
            whole = completed(chain, model, settings)
            for one in beads:
                generate = Generator(model, chain, settings, one)
                for temperature in temperatures:
                    n = n_samples if temperature > 0 else 1
                    row = judge_beads(generate, whole, temperature, n, seed)
                    rows.setdefault(f"{one.name}, T={temperature:g}", {})[chain.name] = row
        times = _seconds(model, completed(nearest, model, settings), beads, temperatures, seed, settings)
    means = {name: summarise(list(row.values())) | times.get(name, {}) for name, row in rows.items()}
    return {name: {"mean": mean, "chains": rows[name]} for name, mean in means.items()}


def completed(chain, model, settings=None):
    """The chain; atoms that it lacks are where the model puts them by the C-alphas alone, but are not judged."""
    lacking = SLOTS[chain.types] & ~chain.mask
    if not lacking.any():
        return chain
    made = Generator(model, chain, settings)(chain.beads, temperature=0.0)
    return replace(chain, positions=np.where(lacking[..., None], made, chain.positions))


def judge_beads(generate, chain, temperature, n_samples=1, seed=0):
    """
    Metrics of what a model makes of a chain through some beads.

    Parameters
    ----------
    generate : Generator
    chain : Chain
        Without missing atoms; its mask says which of them are judged.
    temperature : float
    n_samples : int
        Of each frame.
    seed : int

    Returns
    -------
    dict of str to float
        See the module's table.
    """
    mapping = generate.bound.mapping
    beads = mapping.project(flat_atoms(mapping.fine, chain.positions))
    atoms = generate(beads, temperature=temperature, n_samples=n_samples, seed=seed)
    missed = mapping.project(flat_atoms(mapping.fine, atoms)) - np.repeat(beads, n_samples, axis=0)
    noise = np.random.default_rng(seed).normal(0.0, NOISE, beads.shape)
    other = generate(beads + noise, temperature=temperature, seed=seed)
    moved = np.linalg.norm(other - atoms[::n_samples], axis=-1).max(-1) > MOVED  # other slots than its own are 0
    more = {"bead_mismatch": rms(missed), "moved": 100.0 * float(moved.mean())}
    return score(atoms, chain, n_samples) | more


def rms(displacements):
    """Root mean square of the lengths of displacements (..., 3)."""
    return float(np.sqrt(np.square(displacements).sum(-1).mean()))


def _seconds(model, chain, beads, temperatures, seed, settings):
    """Processor time of a frame of 159 residues by condition, and as a multiple of that of C-alphas."""
    times = {}
    for one in beads:
        generate = Generator(model, chain, settings, one)
        mapping = generate.bound.mapping
        seen = mapping.project(flat_atoms(mapping.fine, chain.positions))[:1]
        for temperature in temperatures:
            options = {"temperature": temperature, "seed": seed}
            generate(seen, **options)  # tables of the molecule are made once
            batch = processor_time(lambda g=generate, x=seen, o=options: g(x, n_samples=FRAMES_TIMED, **o), 2)
            seconds = batch / FRAMES_TIMED * RESIDUES_TIMED / len(chain.types)
            first = times.get(f"{CA.name}, T={temperature:g}", {}).get("seconds", seconds)
            times[f"{one.name}, T={temperature:g}"] = {"seconds": seconds, "seconds_ratio_ca": seconds / first}
    return times
