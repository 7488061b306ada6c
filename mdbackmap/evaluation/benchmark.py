"""
The benchmark: one model on chains whose atoms are known, from their C-alphas alone.

`benchmark` runs all of it and returns plain numbers. Every condition is judged by `metrics`, averaged over frames and
samples of a chain, then over chains:

============================ =================================================================================
condition                    what it is
============================ =================================================================================
``native``                   the known structures themselves
``PULCHRA``                  the fast peer on the same beads, where `pypulchra` is installed
``T=0``, ``T=1``, ...        the model from the prior at each temperature, one sample at a time; above 0 with
                             ``rmsd_best``, ``best_gain`` and ``div`` of several samples
``T=0, noisy beads``, ...    the same on beads with smooth noise of 0.42 A RMS that keeps CA-CA distances
``T=0, noisy, auto``, ...    the same on these beads, which the model may move; only of one that can
============================ =================================================================================

``seconds`` is processor time of a frame of 159 residues on one thread: for the model in a batch, from beads to atoms;
for PULCHRA from PDB text to PDB text; ``seconds_ratio`` is a multiple of PULCHRA's in the same run.

Shapes: F frames, R residues, S samples. Positions are in angstrom.
"""

import contextlib
import logging
import time
import timeit
from dataclasses import replace

import numpy as np
import torch
from tqdm import tqdm

from ..chemistry.elements import SLOTS
from ..data.jitter import jitter
from ..data.known import Generator
from ..metrics.calibration import distributions
from ..metrics.protocol import evaluate, summarise
from ..metrics.samples import evaluate_samples
from ..torsions.internal import InternalCoordinates
from . import pulchra
from .energy import energies, incomplete

logger = logging.getLogger(__name__)

BEAD_NOISE = 0.42  # angstrom, RMS over the beads of a frame; chosen: by hand
RESIDUES_TIMED = 159  # frames of this many residues are what times are given for; chosen: by hand
FRAMES_TIMED = 32  # in a batch; chosen: by hand


def benchmark(
    model,
    chains,
    *,
    temperatures=(0.0, 1.0),
    n_samples=5,
    noise=BEAD_NOISE,
    seed=0,
    settings=None,
    energy_steps=None,
    verbose=False,
):
    """
    Judge a model on known chains, beside the native structures and PULCHRA.

    Parameters
    ----------
    model : Model
    chains : list of Chain
    temperatures : sequence of float
    n_samples : int
        Of each frame, at temperatures above 0.
    noise : float
        RMS of the smooth noise on the beads, angstrom; 0 leaves that condition out.
    seed : int
    settings : Settings, optional
        Of the pipeline.
    energy_steps : int, optional
        Minimise the first structure of every condition so many steps and give its energy (`energy.energies`), for
        chains that lack no atoms; not if None.
    verbose : bool
        Show a progress bar.

    Returns
    -------
    dict of str to dict
        By condition (see the module): ``mean``, a dict of numbers, and ``chains``, such a dict for each chain's name.

    Raises
    ------
    ValueError
        If there are no chains.

    Examples
    --------
    >>> from mdbackmap.checkpoint import load
    >>> from mdbackmap.datafiles import VALIDATION
    >>> from mdbackmap.data.known import read_chains
    >>> table = benchmark(load("genzprot")[0], read_chains(VALIDATION, limit=1), temperatures=[0.0], noise=0)
    >>> table["native"]["mean"]["rmsd"], 0.5 < table["T=0"]["mean"]["rmsd"] < 3
    (0.0, True)
    """
    if not chains:
        raise ValueError("no chains to judge by: expected at least one")
    rows = {}
    with one_thread():
        for chain in tqdm(chains, desc="benchmark", unit="chain", disable=not verbose):
            generate = Generator(model, chain, settings)
            for condition, row, built in _conditions(generate, chain, temperatures, n_samples, noise, seed):
                more = _physics(chain, *built, energy_steps)
                rows.setdefault(condition, {})[chain.name] = row | more
        result = {name: {"mean": summarise(list(row.values())), "chains": row} for name, row in rows.items()}
        nearest = min(chains, key=lambda chain: abs(len(chain.types) - RESIDUES_TIMED))
        seconds = _seconds(model, nearest, temperatures, seed)
    for name, value in seconds.items():
        result[name]["mean"] |= {"seconds": value, "seconds_ratio": value / seconds.get("PULCHRA", np.nan)}
    return result


def _conditions(generate, chain, temperatures, n_samples, noise, seed):
    """(condition, metrics, (atoms, mask)) of one chain, one after another."""
    yield "native", score(chain.positions, chain, 1), (chain.positions, chain.mask)
    if pulchra.available():
        built = rebuilt(chain)
        yield "PULCHRA", score(built[0], chain, 1, built[1]), built
    mask = SLOTS[chain.types]
    for temperature in temperatures:
        n = n_samples if temperature > 0 else 1
        atoms = generate(chain.beads, temperature=temperature, n_samples=n, seed=seed)
        yield f"T={temperature:g}", score(atoms, chain, n), (atoms, mask)
    if noise:
        beads = noisy_beads(chain, noise, seed)
        tolerances = {"noisy beads": 0.0} | ({"noisy, auto": "auto"} if generate.bound.model.relaxes else {})
        for what, tolerance in tolerances.items():
            for temperature in temperatures:
                atoms = generate(beads, temperature=temperature, seed=seed, bead_tolerance=tolerance)
                row = evaluate(atoms, chain.positions, *chain.known) | {"rmsd_ca": _apart(atoms[:, :, 1], chain.beads)}
                yield f"T={temperature:g}, {what}", row, (atoms, mask)


def _apart(one, other):
    """RMS distance of points (F, R, 3), averaged over frames."""
    return float(np.sqrt(np.square(one - other).sum(-1).mean(1)).mean())


def _physics(chain, atoms, mask, n_steps):
    """Energy of the first of the atoms, if steps are given and the chain is complete."""
    if n_steps is None or incomplete(chain):
        return {}
    try:
        return energies(replace(chain, positions=atoms[:1], mask=mask), n_steps)[0]
    except ValueError as error:
        logger.warning("no energy: %s", error)
        return {}


def score(atoms, chain, n_samples, mask=None):
    """
    Metrics of generated atoms, several samples of each frame one after another.

    Parameters
    ----------
    atoms : ndarray of float, shape (F * S, R, 14, 3)
    chain : Chain
        Of F frames.
    n_samples : int
        S; with several, ``rmsd_best``, ``best_gain`` and ``div`` are added, and what `calibration` tells, also with
        20 frames and more.
    mask : ndarray of bool, shape (R, 14), optional
        Atoms that were generated, if not all of them were; with one sample.

    Returns
    -------
    dict of str to float
        Averaged over frames.
    """
    true, known = chain.positions, chain.known if mask is None else (chain.mask & mask, chain.types, chain.ends)
    if n_samples == 1:
        row = evaluate(atoms, true, *chain.known, generated_mask=mask)
    else:
        groups = atoms.reshape(len(true), n_samples, *atoms.shape[1:])
        row = summarise([evaluate_samples(*pair, *chain.known) for pair in zip(groups, true, strict=True)])
    return row | distributions(atoms, true, *known)


def rebuilt(chain):
    """PULCHRA's atoms for a chain, (F, R, 14, 3), and which of them it placed in every frame, (R, 14)."""
    built = [pulchra.rebuild(beads, chain.types, chain.ends) for beads in chain.beads]
    atoms, masks = (np.stack(part) for part in zip(*built, strict=True))
    return atoms, masks.all(0)


def noisy_beads(chain, amplitude, seed=0):
    """
    Beads moved smoothly along the chain, CA-CA distances kept to 0.05 A.

    Parameters
    ----------
    chain : Chain
    amplitude : float
        RMS displacement, angstrom.
    seed : int

    Returns
    -------
    ndarray of float32, shape (F, R, 3)

    Examples
    --------
    >>> from mdbackmap.datafiles import VALIDATION
    >>> from mdbackmap.data.known import read_chains
    >>> chain = read_chains(VALIDATION, limit=1)[0]
    >>> moved = noisy_beads(chain, 0.42) - chain.beads
    >>> round(float(np.sqrt((moved**2).sum(-1).mean())), 2)
    0.42
    """
    internal = InternalCoordinates(torch.tensor(chain.types), torch.tensor(chain.ends), torch.tensor(chain.trace().cis))
    moved = []
    for frame, beads in enumerate(torch.tensor(chain.beads, dtype=torch.float32)):
        wanted = amplitude
        for _ in range(3):  # restoring the distances takes a little of the noise back
            generator = torch.Generator().manual_seed(1_000_003 * seed + frame)
            out = jitter(beads, internal, torch.full((len(beads),), wanted), generator)
            wanted = wanted * amplitude / float((out - beads).square().sum(-1).mean().sqrt())
        moved.append(out.numpy())
    return np.stack(moved)


def _seconds(model, chain, temperatures, seed):
    """Processor time of a frame of 159 residues by condition, measured on one chain in one run."""
    per_frame = RESIDUES_TIMED / len(chain.types)
    generate = Generator(model, chain)
    beads = chain.beads[:1]
    times = {}
    if pulchra.available():
        text = pulchra.write(beads[0], chain.types)
        times["PULCHRA"] = per_frame * processor_time(lambda: pulchra.run(text), 10)
    for temperature in temperatures:
        options = {"temperature": temperature, "seed": seed}
        generate(beads, **options)  # tables of the molecule are made once
        batch = processor_time(lambda options=options: generate(beads, n_samples=FRAMES_TIMED, **options), 2)
        times[f"T={temperature:g}"] = per_frame * batch / FRAMES_TIMED
    return times


def processor_time(function, repeats):
    """Processor seconds of the quickest of a few calls."""
    return min(timeit.repeat(function, timer=time.process_time, number=1, repeat=repeats))


@contextlib.contextmanager
def one_thread():
    """One thread for torch, for times that can be compared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
