"""`bind`: the beads of a universe, checked against the molecule that a model was trained on."""

from __future__ import annotations

import logging

import numpy as np

from .attributes import attribute, canonical_resnames, listed
from .mapping import MappingError

logger = logging.getLogger(__name__)

_SILENT = ("", "UNK", "UNL", "SYSTEM", "MOL", "X")  # residue names that say nothing


def bind(atoms, mapping, model="the model") -> np.ndarray:
    """
    Which particles of an AtomGroup are the beads of a mapping.

    Parameters
    ----------
    atoms : AtomGroup or Universe
        The beads, in the order of the mapping; or, where each bead is one atom, the atoms of the very molecule.
    mapping : Mapping
    model : str
        What to call it in messages.

    Returns
    -------
    ndarray of int64, shape (N,)
        Indices in the universe.

    Raises
    ------
    MappingError
        Another number of beads, other residues, beads in another order; atoms where beads are needed.
    """
    atoms = getattr(atoms, "atoms", atoms)
    n_beads, n_atoms = mapping.n_beads, mapping.n_atoms
    indices = np.asarray(atoms.ix, dtype=np.int64)
    if len(atoms) == n_beads:
        _check_residues(atoms, mapping.coarse, model)
        _check_names(atoms, mapping.coarse, model)
        return indices
    if len(atoms) == n_atoms and np.array_equal(attribute(atoms, "names", ""), mapping.fine.names):
        if len(mapping.atoms) == n_beads and np.all(mapping.weights == 1.0):
            return indices[mapping.atoms]
        raise MappingError(
            f"these are the {n_atoms} atoms of the molecule that {model} was trained on, but it starts from {n_beads} "
            "beads, which are means of atoms. Make them first: mdbackmap coarsen aa.pdb aa.xtc --mapping MODEL.pt "
            "-o cg.xtc, and bind to Universe('cg.pdb', 'cg.xtc')"
        )
    raise MappingError(
        f"{len(atoms)} particles, but {model} was trained on one molecule of {n_beads} beads ({_described(mapping)}) "
        f"and {n_atoms} atoms: expected these beads, in this order; 'mdbackmap coarsen --mapping MODEL.pt' makes them "
        "from atoms, select=... picks them out of a larger system"
    )


def _described(mapping):
    shown = [mapping.coarse.label(r) for r in range(min(3, mapping.coarse.n_residues))]
    return f"mapping {mapping.name!r}: {'; '.join(shown)}{'; ...' if mapping.coarse.n_residues > 3 else ''}"


def _check_residues(atoms, coarse, model):
    found = canonical_resnames(attribute(atoms, "resnames", ""))
    expected = canonical_resnames(coarse.resnames)[coarse.residue_of_atom]
    speaks = ~np.isin(found, _SILENT) & ~np.isin(expected, _SILENT)
    wrong = np.flatnonzero(speaks & (found.astype("U4") != expected.astype("U4")))  # PDB keeps four letters
    if len(wrong):
        at = wrong[0]
        raise MappingError(
            f"bead {at} is of residue {found[at]}, expected {expected[at]} ({len(wrong)} of {len(found)} beads "
            f"differ): {model} was trained on another molecule, or the beads are in another order"
        )


def _check_names(atoms, coarse, model):
    """Names that the model knows have to be in its order; names that it does not know say nothing."""
    found = attribute(atoms, "names", "")
    if len(set(coarse.names)) < len(coarse.names) or not np.isin(found, coarse.names).all():
        if not np.isin(found, coarse.names).any():
            logger.debug("bead names %s are not those of %s: taken in the order of the file", listed(found, 3), model)
        return
    wrong = np.flatnonzero(found != coarse.names)
    if len(wrong):
        at = wrong[0]
        raise MappingError(
            f"bead {at} is called {found[at]}, expected {coarse.names[at]}: the beads are in another order than "
            f"{model} was trained with; sort them, for example by universe.atoms[order]"
        )
