"""
The plan of a conversion: all that its output depends on but the trajectory itself, checked and sent to any process.

Shapes: F frames, S samples, N beads, A atoms, R residues. Positions in angstrom, times in ps.
"""

from __future__ import annotations

import functools
import math
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..checks import SKIP
from ..metrics.limits import beyond
from ..metrics.protein_judge import Judged, ProteinJudge
from ..molecule.mapping import MappingError
from ..options import SamplingOptions
from ..recognition.soundness import fault_alone
from ..recognition.spacing import strained
from ..universes.access import Unreadable, read_frame
from ..universes.chosen import input_files
from ..universes.frames import CoarseFrame, check_beads, sample_frames
from ..universes.key_frames import KeyFrames
from ..universes.reader import bead_indices
from ..universes.scaling import scale_of
from ..writing.destination import Destination, InMemory
from ..writing.origin import origin
from ..writing.output import PDB, check_format
from ..writing.parts import check_part
from ..writing.pdb import check_columns, check_fits
from ..writing.settings import ConversionSettings


@dataclass(frozen=True, eq=False)
class Plan:
    """
    What is to be converted, how, and where to.

    Parameters
    ----------
    model : Backmapper
    indices : ndarray of int, shape (N,)
        Which particles of the trajectory are the beads.
    frames : ndarray of int, shape (F,)
        Numbers of the coarse frames, in output order.
    n_samples : int
        Structures S for each of them.
    options : SamplingOptions
    batch_size : int
        Structures generated at a time, at most: a number of groups.
    group : int
        Structures that a thread generates at a time: those of each multiple of it in the output.
    strict : bool or "skip"
        Refuse structures beyond the limits and strained frames, or leave them out.
    judge : ProteinJudge or None
        Of each structure, if it is asked for.
    settings : ConversionSettings
    done : ndarray of bool, shape (F * S,)
        Structures that are there already, from an interrupted conversion.
    first : CoarseFrame
        The first of the frames: the topology file shows its first structure.
    provenance : dict of dict
        As stored with the output.
    destination : Destination or InMemory
    """

    model: object
    indices: np.ndarray
    frames: np.ndarray
    n_samples: int
    options: SamplingOptions
    batch_size: int
    group: int
    strict: bool | str
    judge: ProteinJudge | None
    settings: ConversionSettings
    done: np.ndarray
    first: CoarseFrame | None = None
    provenance: dict | None = None
    destination: Destination | InMemory | None = None

    @property
    def places(self) -> np.ndarray:
        """Places of the frames that are converted: all, unless the destination is a part."""
        part = self.destination.part
        return np.arange(len(self.frames)) if part is None else self.cut(part[1])[part[0] - 1]

    def cut(self, n_parts, places=None) -> list[np.ndarray]:
        """Places, all by default, in so many runs of whole groups; there may be none in some."""
        places = np.arange(len(self.frames)) if places is None else places
        whole = self.group // math.gcd(self.group, self.n_samples)  # frames after which a group ends
        ends = np.arange(0, len(places), whole)
        return [
            places[part[0] : part[-1] + whole] if len(part) else places[:0] for part in np.array_split(ends, n_parts)
        ]

    def of_part(self) -> Plan:
        """The same for its places alone, as results have it."""
        done = self.done.reshape(-1, self.n_samples)[self.places].ravel()
        return replace(self, frames=self.frames[self.places], done=done)

    def structure(self, frame, sample=0):
        """Positions, shape (A, 3), and box of a structure of a coarse frame."""
        model = self.model if self.group == 1 else self.model.with_threads(1)
        return sample_frames(model, [frame], sample, self.options)[0], frame.dimensions

    def strain(self, frame) -> np.ndarray:
        """Residues whose distance to the next one is not that of a protein, shape (R,); none unless on C-alphas."""
        mapping = self.model.converted
        if not mapping.is_trace:
            return np.zeros(mapping.coarse.n_residues, dtype=bool)
        return strained(mapping.trace(frame.beads[: mapping.n_beads]), mapping.coarse, frame.dimensions)

    def strained(self, frame) -> str:
        """The same in words; "" if there are none."""
        strain = self.strain(frame)
        if not strain.any():
            return ""
        first = self.model.converted.coarse.label(np.flatnonzero(strain)[0])
        return f"{strain.sum()} CA-CA distances that no peptide bond spans, the first after {first}"


def checked_frame(plan, trajectory, number: int) -> CoarseFrame:
    """
    One frame of a trajectory, checked. Where structures are left out, one that is broken says why (`fault`).

    Raises
    ------
    ValueError
        A frame that cannot be read, that is broken, or (strict plans) that no protein can have.
    """
    try:
        frame = _sound(plan, trajectory, number)
    except (Unreadable, MappingError) as error:
        if plan.strict != SKIP:
            raise
        fault = fault_alone(error, int(number), trajectory.n_frames)
        return CoarseFrame.broken(number, len(plan.indices), fault)
    frame = _between_keys(plan, trajectory, frame)
    if plan.strict and plan.strict != SKIP and (words := plan.strained(frame)):
        raise ValueError(f"frame {frame.frame}: {words}; strict=False takes them as they are and counts them")
    return frame


def _sound(plan, trajectory, number):
    """One frame of a trajectory, found sound."""
    frame = CoarseFrame.of(read_frame(trajectory, int(number)), plan.indices)
    check_beads(plan.model, frame, trajectory.n_frames)
    return frame


def _between_keys(plan, trajectory, frame):
    """The frame between its key frames, if side chains are to move continuously and the model has a way to do it."""
    if not plan.options.correlation_time or not getattr(plan.model, "uses_key_frames", False):
        return frame
    read = functools.partial(_sound, plan, trajectory)
    return KeyFrames(read, trajectory.n_frames, trajectory.dt, plan.options.correlation_time).placed(frame)


def judged(plan, job, positions):
    """
    What the judge of a plan says of the structures of a job: positions, shape (F, A, 3).

    Returns
    -------
    Judged or None
        With reasons why structures are left out, if they are (``strict="skip"``). None without a judge, if none are.

    Raises
    ------
    ValueError
        A structure beyond the limits, if plans are strict otherwise.
    """
    places = np.arange(job.start, job.stop)
    if job.faults:
        return Judged.unseen(places, 0 if plan.judge is None else len(plan.judge.labels), job.faults)
    if plan.judge is None:
        return Judged.unseen(places, 0, [""] * len(places)) if plan.strict == SKIP else None
    boxes = [frame.dimensions for frame in job.frames]
    found = plan.judge(plan.model.system.own(positions), places, None if boxes[0] is None else boxes)
    if not plan.strict:
        return found
    strained = [words for frame in job.frames for words in [plan.strained(frame)]]
    why = ["; ".join([*beyond(row), *filter(None, [more])]) for row, more in zip(found.rows(), strained, strict=True)]
    if plan.strict != SKIP and any(why):
        k = next(k for k, words in enumerate(why) if words)
        raise ValueError(
            f"frame {job.frames[k].frame}, sample {job.samples[k]}: {why[k]}; strict=False takes such structures as "
            'they are, strict="skip" (--strict skip) leaves them out'
        )
    return replace(found, why=np.array(why))


def plan_conversion(
    atoms,
    model,
    frames,
    options,
    *,
    filename,
    n_samples,
    batch_size,
    overwrite,
    resume,
    strict,
    validity,
    settings,
    part=None,
) -> Plan:
    """
    Check everything that can be checked, and make a plan of it.

    Parameters
    ----------
    atoms : AtomGroup
        The beads.
    model : Backmapper
    frames : ndarray of int, shape (F,)
        Numbers of the coarse frames.
    options : SamplingOptions
    filename, n_samples, batch_size, overwrite, resume, strict, validity, settings, part
        As of `BackmapTrajectory`.

    Raises
    ------
    ValueError, FileExistsError
        As of `BackmapTrajectory`.
    """
    trajectory, n_structures = atoms.universe.trajectory, len(frames) * n_samples
    if filename is not None:
        check_format(filename, n_structures)
    if part is not None:
        if filename is None:
            raise ValueError("part= needs a filename: parts are kept in folders beside it")
        part = check_part(part)
    indices, done = bead_indices(atoms, model), np.zeros(n_structures, dtype=bool)
    size, judge = int(model.batch_size(batch_size)), _judge(model, strict, validity)
    group = min(size, int(model.with_threads(1).batch_size("auto")))
    sizes = size // group * group, group
    plan = Plan(model, indices, frames, n_samples, options, *sizes, strict, judge, settings, done)
    last = _last_beads(plan, trajectory)
    first, files = _first_sound(plan, trajectory), input_files(atoms.universe)
    asked, read = _asked(plan, scale_of(trajectory), files)
    plan = replace(plan, first=first, provenance=origin(model, asked, files, frames, first.beads, last))
    if filename is None:
        return replace(plan, destination=InMemory(n_structures, read))
    destination = Destination(
        Path(filename),
        plan,
        inputs=read,
        batch_size="auto" if batch_size == "auto" else size,
        overwrite=overwrite,
        resume=resume,
        part=part,
    )
    destination.check()
    if destination.partial.suffix in PDB:
        _check_pdb(plan, trajectory)
    return replace(plan, destination=destination)


def _asked(plan, scale, files):
    """What was asked for, as plain values, and the files that are read."""
    model, read = plan.model, files
    asked = {**plan.options.as_dict(), "n_samples": plan.n_samples} | ({} if scale == 1 else {"scale": scale})
    asked |= model.hydrogens.as_dict() | ({"strict": SKIP} if plan.strict == SKIP else {})
    asked |= {} if model.refine is None else {"refine": model.refine}
    if (kept := getattr(model, "kept", None)) is not None:
        asked, read = asked | {"keep": kept.described}, [*files, *kept.files]
    if (beside := model.system.passengers) is not None:
        asked |= {"passthrough": beside.described}
    if (like := model.system.like) is not None:
        asked, read = asked | {"like": os.path.basename(like.name)}, [*read, like.name]
    return asked, read


def _check_pdb(plan, trajectory):
    """Refuse what a PDB file cannot hold, before the first frame is backmapped."""
    check_fits(plan.model.topology)
    for number in plan.frames:
        if not (frame := checked_frame(plan, trajectory, number)).fault:
            check_columns(frame.beads, f"frame {number}: ")


def _last_beads(plan, trajectory):
    """Beads (N, 3) of the last frame, which tell trajectories of the same beginning apart; None if unreadable."""
    try:
        return CoarseFrame.of(read_frame(trajectory, int(plan.frames[-1])), plan.indices).beads
    except Unreadable:
        return None


def _first_sound(plan, trajectory):
    """The first of the frames that atoms can be made of."""
    faults = []
    for number in plan.frames:
        frame = checked_frame(plan, trajectory, number)
        if not frame.fault:
            return frame
        faults.append(frame.fault)
    raise ValueError(f"none of the {len(faults)} frames can be backmapped; frame {plan.frames[0]}: {faults[0]}")


def _judge(model, strict, validity):
    """The judge of structures, if it is needed; strict conversions of molecules that are no proteins do without."""
    fine = model.converted.fine
    return ProteinJudge(fine) if validity or strict and (fine.types >= 0).any() else None
