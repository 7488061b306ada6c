"""
Which hydrogens a protein has, and their places in the topology.

Shapes: R residues, A atoms, H hydrogens.
"""

from __future__ import annotations

import numpy as np

from ..chemistry import bound_hydrogens as chemistry
from ..chemistry.modified_residues import MODIFIED
from ..chemistry.residues import RESIDUE_NAMES
from ..molecule.mapping import MappingError
from ..options import ENDS
from .ends import OXT

CHARGED, NEUTRAL = ENDS


def forms_of(fine, ph, protonation=None) -> np.ndarray:
    """
    The form of each residue: what is said of it, what the input calls it, or what is usual at a pH.

    Parameters
    ----------
    fine : Topology
    ph : float
    protonation : dict, optional
        Forms by residue, ``{57: "HIP"}``.

    Returns
    -------
    ndarray of str, shape (R,)
        Names of `chemistry.bound_hydrogens.FORMS`; "" for what is no amino acid.

    Examples
    --------
    >>> from mdbackmap import Topology
    >>> three = Topology(["CA"] * 3, [""] * 3, range(3), ["HIS", "ASP", "HIS"], [1, 2, 3], [""] * 3, ["A"] * 3,
    ...                  [""] * 3, variants=["HSD", "ASP", "HIS"])
    >>> forms_of(three, 7.0).tolist(), forms_of(three, 3.0, {2: "HIE"}).tolist()
    (['HID', 'ASP', 'HIE'], ['HID', 'ASH', 'HIE'])
    """
    forms = [_form(*names, ph) for names in zip(fine.resnames.tolist(), fine.variants.tolist(), strict=True)]
    forms = np.array([form if type_ >= 0 else "" for form, type_ in zip(forms, fine.types, strict=True)], dtype="U4")
    forms[fine.disulfides] = np.where(np.isin(forms[fine.disulfides], list(MODIFIED)), forms[fine.disulfides], "CYX")
    for residue, form in (protonation or {}).items():
        forms[residue] = form
    return forms


def named_form(resname, variant):
    """The form that the name of a residue says, or None; names of chain ends have a letter before them."""
    for name in (variant, variant[1:]):
        form = chemistry.FORM_OF_NAME.get(name)
        if form is not None and chemistry.FORMS[form][0] == resname:
            return form
    return None


def _form(resname, variant, ph):
    if variant in MODIFIED:
        return variant
    if (form := named_form(resname, variant)) is not None:
        return form
    pka, protonated = chemistry.ACIDITIES.get(resname, (-np.inf, ""))
    if ph < pka:
        return protonated
    pka, deprotonated = chemistry.BASICITIES.get(resname, (np.inf, ""))
    return deprotonated if ph > pka else {"HIS": "HIE"}.get(resname, resname)


def undecided(fine, asked) -> tuple:
    """
    Residues whose form is neither asked for nor in their names.

    Parameters
    ----------
    fine : Topology
    asked : dict of int to str
        See `told_forms`.

    Returns
    -------
    histidines, cysteines : list of int
        Of cysteines that the input calls bonded it may be open to which one.
    """
    said = {*asked, *fine.disulfides.ravel().tolist()}
    histidines, cysteines = [], []
    for residue in set(range(fine.n_residues)) - said:
        if fine.variants[residue] in MODIFIED:
            continue
        name, form = fine.resnames[residue], named_form(fine.resnames[residue], fine.variants[residue])
        if name == "HIS" and form is None:
            histidines.append(residue)
        elif name == "CYS" and form in (None, "CYX"):
            cysteines.append(residue)
    return sorted(histidines), sorted(cysteines)


def told_forms(fine, protonation) -> dict:
    """
    Forms that are asked for, by residue.

    Parameters
    ----------
    fine : Topology
    protonation : dict or None
        Names of forms, of any force field, by chain and number: ``{"A:57": "HIP"}``. The chain may be left out where
        the number is unique.

    Returns
    -------
    dict of int to str

    Raises
    ------
    MappingError
        No such residue, or a form that it cannot have.
    """
    places = {}
    for residue in np.flatnonzero(~fine.hetero):
        number = f"{fine.resids[residue]}{fine.icodes[residue]}"
        for key in (f"{fine.chainIDs[residue]}:{number}", number):
            places.setdefault(key, []).append(int(residue))
    found = {}
    for key, name in (protonation or {}).items():
        at = places.get(str(key), [])
        if len(at) != 1:
            what = "no residue" if not at else f"{len(at)} residues"
            raise MappingError(
                f"protonation= names {key!r}, which is {what} of the protein ({', '.join(fine.stretches())}): "
                'expected its chain and number, as in {"A:57": "HIP"}'
            )
        resname, form = str(fine.resnames[at[0]]), chemistry.FORM_OF_NAME.get(str(name).upper(), str(name).upper())
        known = [known for known, (residue, _) in chemistry.FORMS.items() if residue == resname]
        if fine.variants[at[0]] in MODIFIED:
            resname = str(fine.variants[at[0]])
            known = [resname]
        if form not in known:
            raise MappingError(
                f"protonation= makes {fine.label(at[0])} {name!r}: expected a form of {resname}: {', '.join(known)}"
            )
        found[at[0]] = form
    return found


def _amine(resname, variant, ends):
    """Hydrogens on N of a first residue; none where it is no amine."""
    modified = MODIFIED.get(str(variant))
    kind = modified.amine if modified else "secondary" if resname == "PRO" else "amine"
    table = {"amine": chemistry.AMINE, "secondary": chemistry.PROLINE_AMINE}.get(kind)
    return () if table is None else tuple(table[ends].split())


def hydrogens_of(fine, ends=CHARGED):
    """
    The hydrogens that heavy atoms lack.

    Parameters
    ----------
    fine : Topology
        Heavy atoms; caps and terminal oxygens are there already. Its variants are the forms of residues.
    ends : {"charged", "neutral"}
        What the first and last residues of unbroken stretches are.

    Returns
    -------
    names : list of str, length H
    element : str
    near : ndarray of int64, shape (H,)
        The heavy atoms that they are bonded to.
    """
    starts, names, near = fine.open_ends[:, 0], [], []
    bounds = np.searchsorted(fine.residue_of_atom, np.arange(fine.n_residues + 1))
    for residue in np.flatnonzero((fine.variants != "") & ~fine.hetero):
        bound = chemistry.hydrogens_of(fine.variants[residue])
        if starts[residue] and fine.resnames[residue] in RESIDUE_NAMES:
            bound["N"] = _amine(fine.resnames[residue], fine.variants[residue], ends) or bound.get("N", ())
        if ends == NEUTRAL:
            bound[OXT] = (chemistry.ACID,)
        for atom in range(*bounds[residue : residue + 2]):
            own = bound.get(str(fine.names[atom]), ())
            names += own
            near += [atom] * len(own)
    return names, "H", np.array(near, dtype=np.int64)
