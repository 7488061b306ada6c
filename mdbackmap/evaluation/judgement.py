"""
A generated protein against its reference, or a protein on its own: numbers by frame, by residue, and on the whole.

Shapes: F frames, R residues, S samples. Positions are in angstrom.
"""

import warnings
from dataclasses import dataclass

import numpy as np

from ..chemistry.elements import SLOTS
from ..chemistry.residues import RESIDUE_NAMES
from ..metrics.calibration import distributions
from ..metrics.comparison import squared_errors
from ..metrics.faults import find_faults
from ..metrics.hydrogens import CONVENTIONS, all_atom_clashscore
from ..metrics.measure import Measure
from ..metrics.protein_judge import Judged
from ..metrics.protocol import evaluate, summarise
from ..metrics.samples import evaluate_samples
from ..metrics.validity import Validity
from .energy import energies
from .proteins import common, part, read_protein

MOVED = 1.0  # angstrom: generated C-alphas farther off than this come from elsewhere; chosen: by hand


@dataclass(frozen=True, eq=False)
class Judgement:
    """
    What was found.

    Attributes
    ----------
    name : str
    labels : ndarray of str, shape (R,)
        Of the residues that were judged.
    types : ndarray of int, shape (R,)
    n_samples : int
        Samples of each reference frame; frames of the generated protein are frame-major.
    mean : dict of str to float
    frames : list of dict of str to float
        The same for each frame (of the reference, if there is one).
    errors : ndarray of float, shape (R,), or None
        RMS distance of a residue's atoms from their places, over frames; None without a reference.
    faults : dict of str to ndarray of int, shape (F * S, R)
        See `faults.find_faults`.
    generated, reference : Chain
        The residues that were judged; `reference` may be None.
    missing : int
        Residues of the reference that the generated protein does not have.
    numbers : sequence of int, optional
        Of the frames in their trajectory.
    validity : Validity, optional
        The report on a protein that was judged alone.
    """

    name: str
    labels: np.ndarray
    types: np.ndarray
    n_samples: int
    mean: dict
    frames: list
    errors: np.ndarray | None
    faults: dict
    generated: object
    reference: object = None
    missing: int = 0
    numbers: tuple = ()
    validity: Validity | None = None

    def content(self):
        """Plain values for a JSON file."""
        residues = {"labels": self.labels, "faults": {name: counts.mean(0) for name, counts in self.faults.items()}}
        if self.errors is not None:
            residues["rmsd"] = self.errors
        counts = {"residues": len(self.types), "missing_residues": self.missing}
        counts |= {"n_frames": len(self.frames), "n_samples": self.n_samples}
        if self.numbers:
            counts["frame_numbers"] = self.numbers
        found = {"name": self.name, **counts, "mean": self.mean, "frames": self.frames, "by_residue": residues}
        return found if self.validity is None else found | self.validity.verdict()


def judge_alone(chain, *, energy_steps=None, numbers=()):
    """
    Judge a protein on its own.

    Parameters
    ----------
    chain : Chain
        With hydrogens, the clashes of all atoms are counted, too.
    energy_steps : int, optional
        Minimise each frame so many steps and give its energy (`energy.energies`); not if None.
    numbers : sequence of int, optional
        Of the frames in their trajectory.

    Returns
    -------
    Judgement

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> from mdbackmap.datafiles import TRPCAGE_PDB
    >>> from mdbackmap.evaluation.proteins import read_protein
    >>> judge_alone(read_protein(mda.Universe(TRPCAGE_PDB).atoms)).mean["bonds"]
    100.0
    """
    parents, atoms = (None, None) if chain.hydrogens is None else (chain.hydrogens.parents, chain.hydrogens.positions)
    measure = Measure(*chain.known, parents, chain.rings)
    measured = measure(chain.positions, atoms, chain.boxes)
    nuclear = atoms is not None and measure.all_atoms.convention(chain.positions, atoms) == CONVENTIONS[1]
    judged = Judged.of(measure, measured, nuclear=nuclear)
    labels = [f"{RESIDUE_NAMES[kind]} {label}" for kind, label in zip(chain.types, chain.labels, strict=True)]
    shown = numbers or range(len(measured))
    validity = Validity(judged, labels, shown, np.zeros(len(measured), dtype=int), chain.name)
    frames = [{name: row[name] for name in validity.scores} for row in judged.rows()]
    if energy_steps is not None:
        frames = [row | more for row, more in zip(frames, energies(chain, energy_steps), strict=True)]
    results = chain.name, chain.labels, chain.types, 1, summarise(frames), frames, None, validity.faults, chain
    return Judgement(*results, numbers=tuple(numbers), validity=validity)


def judged(what):
    """
    A judgement as it is, or that of an AtomGroup alone, in all frames.

    Parameters
    ----------
    what : Judgement, AtomGroup or Universe

    Returns
    -------
    Judgement

    Raises
    ------
    TypeError
        Anything else.
    """
    if isinstance(what, Judgement):
        return what
    if not hasattr(what, "atoms"):
        raise TypeError(f"expected a Judgement, or the atoms of a Universe, found a {type(what).__name__}: {what!r}")
    what = what.atoms
    name = str(getattr(what.universe.trajectory, "filename", None) or "protein")
    return judge_alone(read_protein(what, name=name))


def _beside(chain, known, energy_steps):
    """For each frame what hydrogens and a force field tell."""
    rows = [{} for _ in chain.positions]
    if chain.hydrogens is not None:
        scores = all_atom_clashscore(chain.positions, *known, chain.hydrogens)
        rows = [{"clashscore_all": float(score)} for score in scores]
    if energy_steps is not None:
        rows = [row | more for row, more in zip(rows, energies(chain, energy_steps), strict=True)]
    return rows


def judge(generated, reference, *, legacy=False, energy_steps=None):
    """
    Judge a generated protein against its reference.

    Parameters
    ----------
    generated, reference : Chain
        The reference has one frame, or as many as the generated protein, or that one has S for each of its frames, one
        after another (as `BackmapTrajectory` writes samples). One reference frame and many generated: samples of it.
    legacy : bool
        GED by signed differences, as in the papers' code.
    energy_steps : int, optional
        As in `judge_alone`, for generated and reference.

    Returns
    -------
    Judgement

    Raises
    ------
    MappingError
        If they are not the same molecule.
    ValueError
        If the numbers of frames do not fit.

    Warns
    -----
    UserWarning
        If the generated protein lacks residues of the reference, or its C-alphas lie elsewhere.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> from mdbackmap.datafiles import TRPCAGE_PDB
    >>> from mdbackmap.evaluation.proteins import read_protein
    >>> chain = read_protein(mda.Universe(TRPCAGE_PDB).atoms)
    >>> judge(chain, chain).mean["rmsd"]
    0.0
    """
    ours, theirs = common(reference, generated)
    missing = len(reference.types) - len(np.unique(ours))
    _warn_missing(generated, reference, ours)
    reference, generated = part(reference, ours), part(generated, theirs)
    n_samples, extra = divmod(len(generated.positions), len(reference.positions))
    if extra or not n_samples:
        raise ValueError(
            f"{generated.name} has {len(generated.positions)} frames and {reference.name} {len(reference.positions)}: "
            "expected equal numbers, or several generated frames for each of the reference"
        )
    mask = reference.mask & generated.mask
    known = mask, reference.types, reference.ends
    groups = generated.positions.reshape(-1, n_samples, *generated.positions.shape[1:])
    frames = [_one(*pair, known, legacy) for pair in zip(groups, reference.positions, strict=True)]
    beside = _beside(generated, known, energy_steps)
    groups_beside = [beside[at : at + n_samples] for at in range(0, len(beside), n_samples)]
    frames = [row | summarise(rows) for row, rows in zip(frames, groups_beside, strict=True)]
    if energy_steps is not None:
        true = [row["energy"] for row in energies(reference, energy_steps)]
        frames = [row | {"energy_reference": energy} for row, energy in zip(frames, true, strict=True)]
    _warn_moved(generated, frames)
    mean = summarise(frames) | {"bead_deviation": max(frame["bead_deviation"] for frame in frames)}
    mean |= distributions(generated.positions, reference.positions, *known)
    square = squared_errors(generated.positions, np.repeat(reference.positions, n_samples, axis=0), *known[:2])
    errors = np.sqrt(square.mean(0).sum(1) / np.maximum((mask & SLOTS[reference.types]).sum(1), 1))
    faults = find_faults(generated.positions, *known)
    labels, types = reference.labels, reference.types
    results = mean, frames, errors, faults, generated, reference, missing
    return Judgement(generated.name, labels, types, n_samples, *results)


def _warn_missing(generated, reference, rows):
    absent = np.setdiff1d(np.arange(len(reference.types)), rows)
    if len(absent):
        chains = [str(label).rpartition(" ")[0] for label in reference.labels]
        counts = {name: sum(chains[k] == name for k in absent) for name in dict.fromkeys(chains[k] for k in absent)}
        where = ", ".join(f"{n} of {chains.count(name)} in chain {name or '(unnamed)'}" for name, n in counts.items())
        warnings.warn(
            f"{generated.name} lacks {len(absent)} of the {len(chains)} residues of {reference.name} ({where}); only "
            "the others are judged",
            stacklevel=4,
        )


def _warn_moved(generated, frames):
    moved = max(frame["bead_deviation"] for frame in frames)
    if moved > MOVED:
        warnings.warn(
            f"{generated.name}: C-alphas lie up to {moved:.1f} A from the reference's; nothing is superposed, so RMSD "
            "means little unless these atoms were generated from the reference's beads",
            stacklevel=4,
        )


def _one(samples, true, known, legacy):
    """Metrics of the samples (S, R, 14, 3) of one frame."""
    if len(samples) == 1:
        return evaluate(samples, true, *known, legacy=legacy)
    row = evaluate_samples(samples, true, *known)
    return row | {"ged": evaluate(samples, true, *known, legacy=True)["ged"]} if legacy else row
