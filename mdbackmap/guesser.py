"""
`BeadGuesser`: elements, masses, types and bonds of coarse-grained beads, as a guesser context of MDAnalysis.

Importing this module registers the context "beads"; nothing else does, as `import mdbackmap` loads no MDAnalysis::

    import mdbackmap.guesser

    cg = mda.Universe("martini.gro", context="beads", to_guess=["types", "masses", "elements", "bonds"])

MDAnalysis' default context takes BB for boron, SC1 for sulfur, and gives a C-alpha the mass of carbon. A Universe that
was opened by it keeps such guesses, unless they are named in ``force_guess``::

    cg.guess_TopologyAttrs(context="beads", to_guess=["elements", "bonds"], force_guess=["types", "masses"])
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from MDAnalysis.guesser.base import GuesserBase

from .chemistry.bound_hydrogens import FORMS, hydrogens_of
from .chemistry.elements import MASSES
from .chemistry.residues import RESIDUE_NAMES
from .molecule.attributes import attribute, canonical_resnames, listed
from .molecule.bead_models import chain_ends
from .molecule.mapping import Mapping, MappingError
from .recognition.recognise import recognise

WATER = 2 * MASSES["H"] + MASSES["O"]
MARTINI_WATERS = {"W": 4, "WF": 4, "PW": 4, "SW": 3, "TW": 2}
"""Water molecules that a bead stands for. Cited: Marrink et al. 2007, Yesylevskyy et al. 2010, Souza et al. 2021."""
_MARTINI_2 = {"martini22", "elnedyn"}
_MARTINI_2_MASS = 72.0  # u, of every bead; cited: Marrink et al., J. Phys. Chem. B 111, 7812 (2007)
_SHOWN = 8  # names in a message; chosen: by hand


class BeadGuesser(GuesserBase):
    """
    Guesses of beads what MDAnalysis' default guesser guesses of atoms.

    Beads of proteins are recognised as `load_model` does it: C-alphas (Go models, CALVADOS), Martini 2 and 3, and all
    other known bead models.

    * masses: of all atoms that a bead stands for, hydrogens too, in u. The masses of a chain sum to the protein's.
      Martini's water has the mass of its molecules, beside proteins and alone. NaN, with a warning, where it is not
      known.
    * elements: of beads that are one atom and have its name, such as C-alphas; "" of all others. Empty elements that
      a file has are not seen as missing by MDAnalysis 2.11 (its issue 5414): name them in `force_guess`.
    * bonds: between beads whose atoms are bonded.
    * types: the names of the beads.

    MDAnalysis keeps what it has guessed before: for a Universe that was opened without this context, name masses and
    types in `force_guess`, too.

    Parameters
    ----------
    universe : Universe, optional
    mapping : str, optional
        The bead model, if it is not to be recognised: "ca", "martini3", "martini22", ...
    masses_of : dict of str to float, optional
        Masses of other beads by name, such as those of lipids: ``{"NC3": 72.0}``, in u.
    **kwargs
        What MDAnalysis gives to every guesser.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> from mdbackmap.datafiles import GO_PDB
    >>> cg = mda.Universe(GO_PDB, context=BeadGuesser, to_guess=[], force_guess=["masses", "elements", "bonds"])
    >>> cg.atoms[:3].masses.round(2).tolist(), cg.atoms[0].element, len(cg.bonds)
    ([116.1, 101.1, 163.18], 'C', 55)
    """

    context = "beads"

    def __init__(
        self,
        universe: Any = None,
        mapping: str | None = None,
        masses_of: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(universe, mapping=mapping, masses_of=masses_of, **kwargs)
        self._found = None, None
        self._guesser_methods = {
            "masses": self.guess_masses,
            "elements": self.guess_elements,
            "types": self.guess_types,
            "bonds": self.guess_bonds,
        }

    def _recognised(self):
        """Indices of the beads of proteins in the universe, and their Mapping; None without a protein."""
        if self._found[0] is not self._universe:
            atoms = self._universe.atoms
            resnames = np.unique(attribute(atoms, "resnames", "")).tolist()
            other = all(resnames) and not np.isin(canonical_resnames(resnames), RESIDUE_NAMES).any()
            if other and self._kwargs["mapping"] is None:
                self._found = self._universe, (np.zeros(0, dtype=int), None)
            else:
                indices, coarse, model = recognise(atoms, mapping=self._kwargs["mapping"], rest=False)
                mapping = Mapping.of(model, coarse)
                self._refuse_atoms(mapping.name, indices)
                self._found = self._universe, (indices, mapping)
        return self._found[1]

    def _refuse_atoms(self, model, indices):
        """MappingError if what was taken for C-alpha beads are atoms among all others of their residues."""
        beads = self._universe.atoms[indices]
        beside = attribute(beads.residues.atoms, "names", "")
        if model == "ca" and np.isin(["N", "C"], beside).all():
            raise MappingError(
                f"these are all atoms ({len(beside)} in {len(indices)} residues), expected beads: leave out "
                "context='beads', MDAnalysis guesses for atoms by default"
            )

    def guess_masses(self, indices_to_guess: np.ndarray | None = None) -> np.ndarray:
        """
        Masses of beads.

        Parameters
        ----------
        indices_to_guess : ndarray of bool, shape (n_atoms,), optional
            Only these.

        Returns
        -------
        ndarray of float, shape (n,)
            In u; NaN where it is not known.

        Warns
        -----
        UserWarning
            Beads of unknown mass.
        """
        indices, mapping = self._recognised()
        names = attribute(self._universe.atoms, "names", "")
        model = "" if mapping is None else mapping.name
        others = _MARTINI_2_MASS if model in _MARTINI_2 else np.nan
        known = (
            {name: n * WATER for name, n in MARTINI_WATERS.items()} if model.startswith("martini") or not model else {}
        )
        known |= self._kwargs["masses_of"] or {}
        masses = np.array([known.get(name, others) for name in names.tolist()], dtype=float)
        masses[indices] = [] if mapping is None else bead_masses(mapping)
        chosen = slice(None) if indices_to_guess is None else np.asarray(indices_to_guess)
        unknown = sorted(set(names[chosen][np.isnan(masses[chosen])].tolist()))
        if unknown:
            warnings.warn(
                f"masses of {len(unknown)} kinds of beads are not known and are NaN: {listed(unknown, _SHOWN)}; give "
                f"them by masses_of={{{unknown[0]!r}: ...}}",
                stacklevel=2,
            )
        return masses[chosen]

    def guess_elements(self, indices_to_guess: np.ndarray | None = None) -> np.ndarray:
        """Elements of beads that are one atom, object, shape (n,); "" of others; arguments as of `guess_masses`."""
        indices, mapping = self._recognised()
        elements = np.full(self._universe.atoms.n_atoms, "", dtype=object)
        if mapping is not None:
            beads, atoms = mapping.beads, mapping.atoms
            same = np.bincount(beads, minlength=mapping.n_beads)[beads] == 1
            same &= mapping.is_trace | (mapping.coarse.names[beads] == mapping.fine.names[atoms])
            elements[indices[beads[same]]] = mapping.fine.elements[atoms[same]].astype(object)
        return elements if indices_to_guess is None else elements[indices_to_guess]

    def guess_types(self, indices_to_guess: np.ndarray | None = None) -> np.ndarray:
        """
        The names of the beads.

        Parameters
        ----------
        indices_to_guess : ndarray of bool, shape (n_atoms,), optional
            Only these.

        Returns
        -------
        ndarray of object, shape (n,)

        Raises
        ------
        ValueError
            Without names.
        """
        if not hasattr(self._universe.atoms, "names"):
            raise ValueError(
                "the beads have no names, and their types are their names: add the attribute 'names' first"
            )
        names = np.asarray(self._universe.atoms.names, dtype=object)
        return names if indices_to_guess is None else names[indices_to_guess]

    def guess_bonds(self) -> tuple[tuple[int, int], ...]:
        """
        Bonds between beads of proteins.

        Returns
        -------
        tuple of (int, int)
            Indices in the universe.
        """
        indices, mapping = self._recognised()
        return () if mapping is None else tuple(map(tuple, np.sort(indices[mapping.coarse.bonds], axis=1).tolist()))


def bead_masses(mapping) -> np.ndarray:
    """
    Masses of all atoms that beads stand for, with hydrogens, and the ends of chains charged.

    Parameters
    ----------
    mapping : Mapping
        To the heavy atoms of a protein.

    Returns
    -------
    ndarray of float, shape (N,)
        In u. A bead that stands for no atom has 0.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> from mdbackmap.datafiles import GO_PDB
    >>> _, coarse, model = recognise(mda.Universe(GO_PDB).atoms)
    >>> f"{bead_masses(Mapping.of(model, coarse)).sum():.0f}"  # protein G, 56 residues
    '6185'
    """
    fine, hydrogen = mapping.fine, MASSES["H"]
    masses = np.array([MASSES[element.upper()] for element in fine.elements.tolist()])
    forms = [form or name for form, name in zip(fine.variants.tolist(), fine.resnames.tolist(), strict=True)]
    bound = {form: hydrogens_of(form if form in FORMS else "HID" if form == "HIS" else form) for form in set(forms)}
    for atom, (residue, name) in enumerate(zip(fine.residue_of_atom.tolist(), fine.names.tolist(), strict=True)):
        masses[atom] += hydrogen * len(bound[forms[residue]].get(name, ()))
    last = chain_ends(mapping.coarse)
    first = np.append(True, last[:-1])
    there = set(fine.residue_of_atom[fine.names == "OXT"].tolist())
    masses[np.isin(fine.residue_of_atom, np.flatnonzero(first)) & (fine.names == "N")] += 2 * hydrogen
    without = [residue for residue in np.flatnonzero(last).tolist() if residue not in there]
    masses[np.isin(fine.residue_of_atom, without) & (fine.names == "C")] += MASSES["O"]
    return np.bincount(mapping.bead_of_atom, masses, minlength=mapping.n_beads)
