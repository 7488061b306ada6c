"""
What came of a conversion: its results, the report on what was written, and structures that were left out.

Shapes: F frames, S samples, N beads, A atoms, R residues.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from MDAnalysis.analysis.results import Results

from ..metrics.validity import Validity
from ..universes.frames import of_residues
from ..writing.spreads import spread_of
from .plan import checked_frame


class Skipped(NamedTuple):
    """
    A structure that was left out.

    Attributes
    ----------
    frame, sample : int
    why : str
    """

    frame: int
    sample: int
    why: str


def left_out(plan, judged) -> list[Skipped]:
    """
    Structures that were left out, in output order.

    Parameters
    ----------
    plan : Plan
    judged : Judged or None
        Of all structures.

    Raises
    ------
    ValueError
        If all of them were.
    """
    places = [] if judged is None else np.flatnonzero(judged.why != "").tolist()
    frames, samples = keys(plan)
    found = [Skipped(int(frames[k]), int(samples[k]), str(judged.why[k])) for k in places]
    if found and len(found) == len(frames) and plan.destination.part is None:
        raise ValueError(
            f"all {len(found)} structures were left out, nothing is left to write; of frame {found[0].frame}: "
            f"{found[0].why}"
        )
    return found


def first_kept(plan, trajectory, skipped):
    """Positions (A, 3) and box of the first structure that was not left out, which the topology file shows."""
    known = {(frame, sample) for frame, sample, _ in skipped}
    frame, sample = next(pair for pair in zip(*(x.tolist() for x in keys(plan)), strict=True) if pair not in known)
    return plan.structure(checked_frame(plan, trajectory, frame), sample)


def keys(plan):
    """Coarse frames and samples of the structures of a plan: two ndarrays of int, shape (F * S,)."""
    n_frames, n_samples = len(plan.frames), plan.n_samples
    return np.repeat(plan.frames, n_samples), np.tile(np.arange(n_samples), n_frames)


def kept_frames(plan, whole, judged):
    """Which coarse frame each structure is of that was not left out (int64), and its time: two arrays, shape (F,)."""
    kept = slice(None) if judged is None else judged.why == ""
    return keys(plan)[0][kept], np.repeat(whole.times, plan.n_samples)[kept]


def results_of(plan, whole, trajectory, judged, skipped, spread=None) -> Results:
    """
    `Results` of a plan that was carried out, but for its files and its time.

    Parameters
    ----------
    plan : Plan
    whole : PartResult
    trajectory : MDAnalysis reader
        Of the coarse frames.
    judged : Judged or None
    skipped : list of Skipped
    spread : ndarray of float32, shape (C, R), optional
        As read from a file; of conversions in memory it is computed.
    """
    kept = np.ones(len(plan.done), dtype=bool) if judged is None else judged.why == ""
    frames, samples = (x[kept] for x in keys(plan))
    moved = whole.displacements[kept]
    results = Results(
        strained=whole.strained,
        unrepaired=whole.unrepaired,
        displacements=moved,
        residue_displacements=of_residues(moved, plan.model.converted),
        frame_displacements=np.sqrt((moved.astype(float) ** 2).mean(1)).astype(np.float32),
        n_frames=int(kept.sum()),
        n_atoms=plan.model.n_atoms,
        frames=frames,
        times=np.repeat(whole.times, plan.n_samples)[kept],
        samples=samples,
        seed=plan.options.seed,
        provenance=plan.provenance,
        resumed=int(plan.done.reshape(-1, plan.n_samples).all(1).sum()),
        skipped=skipped,
        validity=None if plan.judge is None else Validity(judged.taken(kept), plan.judge.labels, frames, samples),
    )
    if whole.positions is not None:
        results.positions = whole.positions if kept.all() else whole.positions[kept]
        if plan.n_samples > 1:
            structures = zip(results.positions, (trajectory[int(frame)].dimensions for frame in frames), strict=True)
            spread = spread_of(structures, plan.model, frames)
    results.spread = spread
    return results
