"""
Structures judged as they are made: `ProteinJudge` of one molecule, and `Judged`, what it says of some structures.

Clashes are those of all atoms where there are hydrogens (MolProbity's clashscore, at electron-cloud lengths and radii,
see `hydrogens`), else those of heavy atoms.

Shapes: F structures, R residues, A atoms, M scores (`SCORES`), K kinds of faults (`faults.FAULTS`).
"""

import logging
from dataclasses import dataclass, fields

import numpy as np

from ..chemistry.residues import CB, MAX_ATOMS
from ..molecule.boxes import box_vectors
from .dihedrals import atom14, slots_of
from .faults import FAULTS, faults_of
from .hydrogens import CONVENTIONS
from .measure import Measure
from .own_geometry import OwnClashes, OwnGeometry
from .protocol import geometry

logger = logging.getLogger(__name__)

SCORES = (
    *("bonds", "angles", "contacts", "clashscore", "clashscore_all", "pierced", "rama_favoured", "rama_allowed"),
    *("rama_outliers", "rotamer_favoured", "rotamer_outliers", "cbeta_outliers", "cis", "twisted", "mirrored_ca"),
    "mirrored_cb",
)
"""What is scored of each structure: names of `protocol`."""
_MOST = np.iinfo(np.uint8).max  # faults of one kind that a residue is said to have, at most


@dataclass(frozen=True, eq=False)
class Judged:
    """
    What was found of F structures.

    Parameters
    ----------
    places : ndarray of int64, shape (F,)
        Of the structures among all that are to be made.
    scores : ndarray of float, shape (F, M)
    counts : ndarray of uint8, shape (F, K, R)
    nuclear : ndarray of bool, shape (F,)
        Whether hydrogens have nuclear lengths.
    why : ndarray of str, shape (F,)
        Why a structure was left out; "" if it was not.
    """

    places: np.ndarray
    scores: np.ndarray
    counts: np.ndarray
    nuclear: np.ndarray
    why: np.ndarray

    @classmethod
    def of(cls, measure, measured, places=None, nuclear=False) -> "Judged":
        """What was measured of structures, as scores and counts; none of them left out."""
        n = len(measured)
        rows = [geometry(measure, measured.frame(f)) for f in range(n)]
        faults = faults_of(measure, measured)
        return cls(
            places=np.arange(n) if places is None else np.asarray(places, dtype=np.int64),
            scores=np.array([[row.get(name, np.nan) for name in SCORES] for row in rows]).reshape(n, len(SCORES)),
            counts=np.stack([faults[name] for name in FAULTS], axis=1).clip(max=_MOST).astype(np.uint8),
            nuclear=np.full(n, nuclear),
            why=np.full(n, "", dtype="U1"),
        )

    @classmethod
    def unseen(cls, places, n_residues, why) -> "Judged":
        """That of structures that there are not: left out, for these reasons (F,); nothing else is known of them."""
        scores = np.full((len(places), len(SCORES)), np.nan)
        counts = np.zeros((len(places), len(FAULTS), n_residues), dtype=np.uint8)
        return cls(np.asarray(places), scores, counts, np.zeros(len(places), dtype=bool), np.array(why))

    @classmethod
    def joined(cls, parts) -> "Judged":
        """That of several, in the order of places, each place once."""
        of_parts = {field.name: np.concatenate([getattr(x, field.name) for x in parts]) for field in fields(cls)}
        order = np.unique(of_parts["places"], return_index=True)[1]
        return cls(**{name: values[order] for name, values in of_parts.items()})

    def rows(self) -> list[dict]:
        """Scores of each structure by name."""
        return [dict(zip(SCORES, values, strict=True)) for values in self.scores.tolist()]

    def taken(self, chosen) -> "Judged":
        """Those of some structures: an index of any kind."""
        return Judged(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    def save(self, path):
        """Write it to a file, which numpy reads."""
        with open(path, "wb") as file:
            np.savez(file, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path) -> "Judged":
        """Read what `save` wrote."""
        with np.load(path) as file:
            return cls(**{field.name: file[field.name] for field in fields(cls)})


class ProteinJudge:
    """
    Judges structures of one molecule; made once, used for every frame.

    Parameters
    ----------
    fine : Topology
        Its atoms, with bonds. Only amino acids are judged.

    Raises
    ------
    ValueError
        A molecule without amino acids.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> from mdbackmap import Topology
    >>> from mdbackmap.datafiles import TRPCAGE_PDB
    >>> atoms = mda.Universe(TRPCAGE_PDB).atoms
    >>> judge = ProteinJudge(Topology.from_atoms(atoms))
    >>> judge(atoms.positions[None]).rows()[0]["clashscore"]
    0.0
    """

    def __init__(self, fine):
        residues = np.flatnonzero((fine.types >= 0) & ~fine.hetero)
        if not len(residues):
            raise ValueError("validity judges proteins, and this molecule has no amino acids: leave out validity")
        self._protein, self._atoms = fine.take(residues), fine.atoms_of(residues)
        self.labels = np.array([fine.label(r) for r in residues])
        self._hydrogens, parents = _hydrogens(self._protein)
        self._own, self._clashes = OwnGeometry.of(self._protein), OwnClashes.of(self._protein)
        protein = self._protein
        mask = atom14(protein, np.zeros((1, protein.n_atoms, 3)))[1]
        self.measure = Measure(mask, protein.types, protein.ends, parents if len(parents) else None, protein.rings)

    def __call__(self, positions, places=None, dimensions=None) -> Judged:
        """
        Judge structures.

        Parameters
        ----------
        positions : ndarray of float, shape (F, A, 3)
            Chains whole.
        places : sequence of int, length F, optional
        dimensions : ndarray of float, shape (F, 6), optional
            Boxes as MDAnalysis has them.

        Returns
        -------
        Judged
        """
        atoms = np.asarray(positions, dtype=float)[:, self._atoms]
        boxes, hydrogens = box_vectors(dimensions, len(atoms)), atoms[:, self._hydrogens]
        heavy = atom14(self._protein, atoms)[0]
        measured, whole = self.measure(heavy, hydrogens, boxes), self.measure.all_atoms
        nuclear = whole is not None and whole.convention(heavy, hydrogens) == CONVENTIONS[1]
        judged, covalent = Judged.of(self.measure, measured, places, nuclear), self.measure.covalent
        scores = dict(zip(SCORES, judged.scores.T, strict=True))
        faults = dict(zip(FAULTS, np.moveaxis(judged.counts, 1, 0), strict=True))
        centres = np.count_nonzero(self.measure.mask[:, CB])
        n_terms = {"bonds": len(covalent.bonds), "angles": len(covalent.angles), "mirrored_ca": centres}
        self._own.counted(atoms, scores, faults, n_terms)
        if self._clashes is not None:
            n_atoms = {"clashscore": covalent.n_atoms, "clashscore_all": self.measure.n_atoms}
            self._clashes.counted(atoms, boxes, scores, faults, n_atoms)
        return judged


def _hydrogens(protein):
    """Hydrogens of a topology that are bonded to atoms with slots, and these as places in a flat atom14 array."""
    light = np.isin(np.char.upper(protein.elements), ["H", "D"])
    pairs = protein.bonds[light[protein.bonds].sum(1) == 1]
    hydrogen = np.where(light[pairs[:, 0]], pairs[:, 0], pairs[:, 1])
    parent = pairs.sum(1) - hydrogen
    slots = slots_of(protein)[parent]
    if len(np.unique(hydrogen)) < light.sum():
        words = "%d hydrogens without bonds in the topology are not judged"
        logger.warning(words, light.sum() - len(np.unique(hydrogen)))
    kept = slots >= 0
    order = np.argsort(hydrogen[kept], kind="stable")
    places = protein.residue_of_atom[parent] * MAX_ATOMS + slots
    return hydrogen[kept][order], places[kept][order]
