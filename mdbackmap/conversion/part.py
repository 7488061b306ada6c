"""
One part of a conversion: frames read, structures generated and written, and what is reported of them counted.

Shapes: F frames, S samples, N beads, A atoms, R residues. Positions in angstrom, times in ps.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from ..metrics.protein_judge import Judged
from .generator import Generator
from .jobs import jobs
from .plan import checked_frame, judged
from .stage_threads import Stages
from .tally import Tally


@dataclass(frozen=True, eq=False)
class PartResult:
    """
    What is known of a part, F frames, that was converted.

    Parameters
    ----------
    places : ndarray of int, shape (F,)
        Places of its frames among those of the plan.
    times : ndarray of float, shape (F,)
    strained : ndarray of int, shape (R,)
        In how many frames the peptide after each residue is longer or shorter than proteins have it.
    displacements : ndarray of float32, shape (F * S, N)
        How far each bead was moved, in angstrom; NaN where that is not known.
    unrepaired : ndarray of int, shape (R,)
        In how many structures each C-alpha lies as no protein has it.
    positions : ndarray of float, shape (F * S, A, 3), or None
        Of conversions in memory.
    judged : Judged or None
        The same of these.
    """

    places: np.ndarray
    times: np.ndarray
    strained: np.ndarray
    displacements: np.ndarray
    unrepaired: np.ndarray
    positions: np.ndarray | None
    judged: Judged | None = None

    @classmethod
    def empty(cls, places, n_samples, model) -> PartResult:
        """Nothing is known yet of the frames at these places: a `Tally` fills it in."""
        strained, unrepaired = np.zeros((2, model.converted.coarse.n_residues), dtype=np.int64)
        moved = np.full((len(places) * n_samples, model.converted.n_beads), np.nan, dtype=np.float32)
        return cls(places, np.full(len(places), np.nan), strained, moved, unrepaired, None)

    @classmethod
    def joined(cls, parts) -> PartResult:
        """One result of those of all parts, which may come in any order."""
        parts = sorted(parts, key=lambda part: part.places[0])
        of_parts = {field.name: [getattr(part, field.name) for part in parts] for field in fields(cls)}
        return cls(**{name: _together(name, values) for name, values in of_parts.items()})


def _together(name, values):
    """One field of a whole: counts are summed, what there is for each frame comes in a row."""
    if name in ("strained", "unrepaired"):
        return np.sum(values, axis=0)
    if values[0] is None:
        return None
    return Judged.joined(values) if name == "judged" else np.concatenate(values)


def convert(plan, places, trajectory, advance=lambda n_frames: None) -> PartResult:
    """
    Convert one part of a plan. The result depends on nothing but the arguments.

    Parameters
    ----------
    plan : Plan
    places : ndarray of int, shape (F,)
        Places of the part's frames among those of the plan, in a row.
    trajectory : MDAnalysis reader
        Of the coarse frames.
    advance : callable, optional
        Called with the number of frames that are complete besides.

    Returns
    -------
    PartResult
    """
    model, n_samples, destination = plan.model, plan.n_samples, plan.destination
    start, result = int(places[0]) * n_samples, PartResult.empty(np.asarray(places), n_samples, model)
    tally = Tally(model, plan.options, result)
    sink, generator = destination.sink(), Generator(plan)

    def read():
        for row, place in enumerate(places):
            frame = checked_frame(plan, trajectory, plan.frames[place])
            tally.read(row, frame, 0 if frame.fault else plan.strain(frame))
            yield frame

    def generate(job):
        if job.faults:
            return np.full((len(job.frames), model.n_atoms, 3), np.nan, dtype=np.float32)
        return generator(job)

    def write(job, positions):
        found = judged(plan, job, positions)
        sink.write(job, positions, found)
        if not job.faults:
            tally.add(job, positions, job.start - start, None if found is None else found.why == "")
        advance(int(np.count_nonzero(job.samples == n_samples - 1)))

    try:
        with generator, Stages(generate, write) as stages:
            for job in jobs(read(), places, plan.done, n_samples, plan.batch_size):
                stages.submit(job)
    finally:
        sink.close()
    tally.tell_more()
    return replace(result, positions=sink.taken(), judged=sink.judged())
