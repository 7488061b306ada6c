"""
Protons of residues by PROPKA: acid constants in the structure, instead of those in water.

PROPKA (Olsson et al. 2011; Sondergaard et al. 2011) is another package, an extra of this one.
"""

import io
import string

import numpy as np

from ..checks import require
from ..chemistry.bound_hydrogens import ACIDITIES, BASICITIES
from ..chemistry.modified_residues import MODIFIED
from ..completion.forms import named_form

_LETTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits
_NUMBERS = 9999  # cited: residue numbers of PDB files


def acid_constants(fine, atoms) -> dict:
    """
    Acid constants of side chains.

    Parameters
    ----------
    fine : Topology
        Heavy atoms.
    atoms : ndarray of float, shape (A, 3)
        In angstrom; atoms without a place are left out.

    Returns
    -------
    dict of int to float
        pKa by residue, of those that can have and lose a proton.

    Raises
    ------
    ImportError
        PROPKA is not installed.
    """
    require("propka", 'protonation="propka" (--protonation propka) needs')
    from propka.run import single

    text, places = _pdb(fine, np.asarray(atoms, dtype=np.float64))
    found = single("protein.pdb", optargs=["--quiet"], stream=io.StringIO(text), write_pka=False)
    constants = {}
    for group in found.conformations["AVR"].groups:
        residue = places.get((group.atom.chain_id, group.atom.res_num))
        if residue is not None and group.residue_type == fine.resnames[residue]:
            constants[residue] = float(group.pka_value)
    return {r: pka for r, pka in constants.items() if fine.resnames[r] in ACIDITIES or fine.resnames[r] in BASICITIES}


def forms_by_propka(fine, atoms, ph) -> dict:
    """
    Forms that residues have at a pH by their acid constants in a structure.

    Parameters
    ----------
    fine : Topology
        Heavy atoms.
    atoms : ndarray of float, shape (A, 3)
    ph : float

    Returns
    -------
    dict of int to str
        Not of residues whose name in the input says it, that are modified, or that have a disulfide.
    """
    forms, bonded = {}, set(fine.disulfides.ravel().tolist())
    for residue, pka in acid_constants(fine, atoms).items():
        resname, variant = str(fine.resnames[residue]), str(fine.variants[residue])
        if named_form(resname, variant) is not None or variant in MODIFIED or residue in bonded:
            continue
        if resname in ACIDITIES:
            forms[residue] = ACIDITIES[resname][1] if ph < pka else {"HIS": "HIE"}.get(resname, resname)
        else:
            forms[residue] = BASICITIES[resname][1] if ph > pka else resname
    return forms


def _pdb(fine, atoms):
    """Heavy atoms of a protein as lines of a PDB file, and residues by the chain and number that they have there."""
    stretch = np.cumsum(np.append(False, fine.ends[:-1]))
    lines, places, middle = [], {}, np.nanmean(atoms, axis=0)
    for atom in np.flatnonzero(np.isfinite(atoms).all(axis=1) & (fine.elements != "H")).tolist():
        residue = int(fine.residue_of_atom[atom])
        if fine.hetero[residue]:
            continue
        chain, number = _LETTERS[stretch[residue] % len(_LETTERS)], residue % _NUMBERS + 1
        places[chain, number] = residue
        element, name = str(fine.elements[atom]).upper(), str(fine.names[atom])
        name = f" {name:<3s}" if len(name) < len("HH11") and len(element) == 1 else f"{name:<4s}"
        place = "".join(f"{x:8.3f}" for x in atoms[atom] - middle)
        start = f"ATOM  {len(lines) % 99999 + 1:5d} {name} {fine.resnames[residue]:<3s} {chain}{number:4d}    "
        lines.append(f"{start}{place}  1.00  0.00          {element:>2s}")
    return "\n".join([*lines, "END", ""]), places
