"""
A topology that the output has to have, and what it says of hydrogens and caps.

Shapes: R residues.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..chemistry import bound_hydrogens as chemistry
from ..chemistry.residues import RESIDUE_NAMES
from ..chemistry.variants import CAPS, CAPS_BEFORE
from ..options import ENDS, NAMES
from .attributes import canonical_resnames
from .residue_pairs import residue_pairs
from .topology import Topology


@dataclass(frozen=True, eq=False)
class Likeness:
    """
    A topology that the output has to have.

    Attributes
    ----------
    topology : Topology
        With names of atoms and residues as the file has them.
    name : str
        What to call it in messages.
    named_chains : bool
        Whether it has names of chains.
    """

    topology: Topology
    name: str
    named_chains: bool = True

    @property
    def amino(self) -> np.ndarray:
        """Residues that are amino acids, int64."""
        return np.flatnonzero(np.isin(canonical_resnames(self.topology.resnames), RESIDUE_NAMES))

    def atoms(self, residue) -> range:
        """Places of the atoms of a residue."""
        return range(*np.searchsorted(self.topology.residue_of_atom, [residue, residue + 1]))

    def names(self, residue) -> list:
        """Names of the atoms of a residue."""
        return self.topology.names[self.atoms(residue)].tolist()

    def caps(self, fine) -> np.ndarray:
        """The caps that the topology has before and behind each residue of a protein, str, shape (R, 2)."""
        found = np.full((fine.n_residues, 2), "", dtype="U4")
        for own, theirs in residue_pairs(self, fine).items():
            for side in range(2):
                at = self.beside(theirs, side)
                found[own, side] = "" if at is None else self.topology.resnames[at]
        return found

    def beside(self, residue, side):
        """The residue of a cap before (0) or behind (1) another residue, or None."""
        at, topology = residue + (1 if side else -1), self.topology
        if not 0 <= at < topology.n_residues or topology.resnames[at] not in CAPS:
            return None
        right = (topology.resnames[at] in CAPS_BEFORE) != bool(side)
        return at if right and topology.chainIDs[at] == topology.chainIDs[residue] else None

    def forms(self, fine) -> tuple:
        """
        What the topology says of hydrogens.

        Parameters
        ----------
        fine : Topology
            Of the protein.

        Returns
        -------
        hydrogens : bool
        protonation : dict
            Forms by chain and number.
        ends : str
        """
        pairs, protonation = residue_pairs(self, fine), {}
        found = [{straight(name) for name in self.names(theirs) if is_hydrogen(name)} for theirs in pairs.values()]
        if not any(found):
            return False, {}, ENDS[0]
        for residue, names in zip(pairs, found, strict=True):
            known = [form for form, (name, _) in chemistry.FORMS.items() if name == fine.resnames[residue]]
            if len(known) > 1 and fine.variants[residue] not in chemistry.MODIFIED:
                key = f"{fine.chainIDs[residue]}:{fine.resids[residue]}{fine.icodes[residue]}"
                protonation[key] = _best_form(known, names, self.topology.resnames[pairs[residue]])
        first = next(iter(pairs))
        amine = sum(name in ("H", "HN", "H1", "H2", "H3", "HT1", "HT2", "HT3", "HN1", "HN2") for name in found[0])
        neutral = amine == (1 if fine.resnames[first] == "PRO" else 2)
        return True, protonation, ENDS[1] if neutral else ENDS[0]


def _best_form(known, names, resname):
    """The form of a residue whose hydrogens are most like those found; of equal ones that of its name."""
    said = chemistry.FORM_OF_NAME.get(str(resname).upper(), known[0])

    def off(form):
        side = [h for atom, bound in chemistry.hydrogens_of(form).items() if atom not in ("N", "CA") for h in bound]
        wanted = [set(chemistry.written_names(side, form, convention)) for convention in NAMES]
        return min(len(x - names) + len((names & _every(known, k)) - x) for k, x in enumerate(wanted)), form != said

    return min(known, key=off)


def _every(known, k):
    """Hydrogens of side chains that any of some forms has, by the names of one convention."""
    return {
        name
        for form in known
        for atom, bound in chemistry.hydrogens_of(form).items()
        if atom not in ("N", "CA")
        for name in chemistry.written_names(bound, form, NAMES[k])
    }


def is_hydrogen(name) -> bool:
    """Whether an atom of this name is a hydrogen or deuterium."""
    return name.lstrip("0123456789").startswith(("H", "D"))


def straight(name):
    """
    A name with its leading number behind it.

    Examples
    --------
    >>> straight("1HB"), straight("HB1")
    ('HB1', 'HB1')
    """
    number = name[: len(name) - len(name.lstrip("0123456789"))]
    return name[len(number) :] + number
