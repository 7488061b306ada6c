"""
Attributes of the atoms and residues of an AtomGroup, with defaults where it has none.

AtomGroups are duck-typed: any attribute but `ix` and `resindices` may be missing, as LAMMPS and
GSD files leave most of them out.

Shapes: A atoms, R residues, b bonds.
"""

from __future__ import annotations

import string

import numpy as np

from ..chemistry import residues
from ..chemistry.modified_residues import D_FORMS, MODIFIED
from ..chemistry.variants import ALIASES, PARENTS

_LETTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits


_PARENTS = PARENTS | {name: modified.parent for name, modified in MODIFIED.items()}


def canonical_resnames(names, aliases=None, modified=True) -> np.ndarray:
    """
    Residue names in capitals, with aliases and modified residues read as what they stand for.

    Parameters
    ----------
    names : ndarray of str, shape (R,)
    aliases : dict, optional
        On top of, and before, `variants.ALIASES`.
    modified : bool
        Whether modified residues are their parents; D-residues are glycines.

    Returns
    -------
    ndarray of str, shape (R,)

    Examples
    --------
    >>> canonical_resnames(["Mse", "HIE", "LIG", "NLYSH", "SEP", "DLE"], {"LIG": "ALA"}).tolist()
    ['MET', 'HIS', 'ALA', 'LYS', 'SER', 'GLY']
    """
    table = ALIASES | (_PARENTS if modified else {})
    table |= {k.strip().upper(): v.strip().upper() for k, v in (aliases or {}).items()}
    return np.array([_canonical(name.strip().upper(), table) for name in names], dtype=str)


def _canonical(name, table):
    """
    One name, in capitals.

    Names of terminal residues lose their prefix (Amber and GROMACS: NMET, CGLY, NHISE), those of MOL2 files their
    number (VAL395), where the rest is an amino acid and the whole is nothing known.
    """
    if name in table or name in residues.TYPE_OF_NAME or name in residues.OTHER_RESIDUES:
        return table.get(name, name)
    for rest in (name[1:] if name[:1] in ("N", "C") else "", name.rstrip("0123456789")):
        if len(rest) >= 3 and (rest in table or rest in residues.TYPE_OF_NAME):
            return table.get(rest, rest)
    return name


def variant_names(given, resnames, aliases=None) -> np.ndarray:
    """
    What an input calls residues, where it has another name for what they are.

    Parameters
    ----------
    given : ndarray of str, shape (R,)
        Names of the input.
    resnames : ndarray of str, shape (R,)
        What they are.
    aliases : dict, optional
        As of `canonical_resnames`.

    Returns
    -------
    ndarray of str, shape (R,)
        `resnames` where the name of the input is another residue's, or that of a MOL2 file (VAL395), or where `aliases`
        say what a modified residue is.

    Examples
    --------
    >>> variant_names(["hie", "HIS2", "NLYS", "VAL395", "A"], ["HIS", "HIS", "LYS", "VAL", "ALA"]).tolist()
    ['HIE', 'HIS2', 'NLYS', 'VAL', 'ALA']
    >>> variant_names(["MSE", "NSEP", "DLE"], ["MET", "SER", "LEU"], {"MSE": "MET"}).tolist()
    ['MET', 'SEP', 'DLE']
    """
    given, resnames = np.char.upper(np.asarray(given, dtype=str)), np.asarray(resnames, dtype=str)
    numbered = (np.char.rstrip(given, "0123456789") == resnames) & ~np.isin(given, list(ALIASES))
    same = canonical_resnames(given, aliases) == resnames
    asked = {name.strip().upper() for name in aliases or {}}
    names = []
    for name, resname, fits in zip(given.tolist(), resnames.tolist(), (same & ~numbered).tolist(), strict=True):
        name = name[1:] if name not in MODIFIED and name[:1] in ("N", "C") and name[1:] in MODIFIED else name
        fits = (fits or D_FORMS.get(name) == resname) and not (name in asked and name in MODIFIED)
        names.append(name if fits else resname)
    return np.array(names, dtype=str)


def listed(items, shown, separator=", ") -> str:
    """
    Things in words, the first ones and how many there are besides.

    Examples
    --------
    >>> listed(["A 1", "A 2", "A 9"], 2)
    'A 1, A 2 and 1 more'
    """
    items = [str(item) for item in items]
    more = len(items) - shown
    return separator.join(items[:shown]) + (f" and {more} more" if more > 0 else "")


def attribute(atoms, name, default) -> np.ndarray:
    """Values of an AtomGroup's attribute, stripped, str, shape (A,); `default` everywhere if it has none."""
    values = getattr(atoms, name, None)
    if values is None:
        return np.full(len(atoms), default, dtype=str)
    return np.char.strip(np.asarray(values).astype(str)) if len(values) else np.zeros(0, dtype=str)


def numbering(atoms, first) -> dict:
    """Numbers, insertion codes, chains and segments (R,) of the residues whose first atoms are `first`."""
    resids = getattr(atoms, "resids", None)
    segids = attribute(atoms, "segids", "")[first]
    return {
        "resids": np.arange(1, len(first) + 1) if resids is None else np.asarray(resids)[first],
        "icodes": attribute(atoms, "icodes", "")[first],
        "chainIDs": _chain_ids(attribute(atoms, "chainIDs", "")[first], segids),
        "segids": segids,
    }


def chain_letters(labels, used=()) -> np.ndarray:
    """
    One-letter chain names for labels of any kind, in order of appearance.

    Parameters
    ----------
    labels : ndarray, shape (R,)
        A label that is one letter or digit stays; others get the next free letter (the label itself once all
        62 are gone).
    used : iterable of str
        Names that are taken.

    Returns
    -------
    ndarray of str, shape (R,)

    Examples
    --------
    >>> chain_letters(["PROA", "PROA", "B", ""]).tolist()
    ['A', 'A', 'B', 'C']
    """
    names = dict.fromkeys(str(x) for x in labels)
    kept = {x for x in names if len(x) == 1 and x.isalnum()}
    free = iter([x for x in _LETTERS if x not in kept | set(used)])
    letters = {x: x if x in kept else next(free, x or "A") for x in names}
    return np.array([letters[str(x)] for x in labels], dtype=str)


def _chain_ids(chain_ids, segids):
    """Chain names where there are any, else from the segments."""
    missing = chain_ids == ""
    filled = chain_ids.astype(object)
    filled[missing] = chain_letters(segids[missing], set(chain_ids[~missing]))
    return filled.astype(str)


def run_ends(*labels) -> np.ndarray:
    """Whether each is the last of a run with equal labels, such as chain and segment (R,): bool, shape (R,)."""
    ends = np.ones(len(labels[0]), dtype=bool)
    ends[:-1] = np.any([values[1:] != values[:-1] for values in labels], axis=0)
    return ends


def residue_runs(resindices):
    """First atom of each run of equal residue index, and the run of each atom."""
    resindices = np.asarray(resindices)
    starts = np.ones(len(resindices), dtype=bool)
    starts[1:] = resindices[1:] != resindices[:-1]
    first = np.flatnonzero(starts)
    if len(np.unique(resindices[first])) != len(first):
        raise ValueError("the atoms of a residue do not lie together: sort the AtomGroup (atoms.unique) or its file")
    return first, np.cumsum(starts) - 1


def bonds_within(atoms):
    """Bonds between atoms of the group, as places in it, int64, shape (b, 2); none if the universe knows none."""
    bonds = getattr(atoms, "bonds", None)
    if bonds is None or len(bonds) == 0:
        return np.zeros((0, 2), dtype=np.int64)
    pairs, order = np.asarray(bonds.to_indices()), np.argsort(atoms.ix)
    place = order[np.searchsorted(atoms.ix, pairs, sorter=order).clip(max=len(order) - 1)]
    return place[np.all(np.asarray(atoms.ix)[place] == pairs, axis=1)]


def atom_label(atom) -> str:
    """
    The name of an atom in a message, ``LYS 6 CA``, from what its universe says of it.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> from mdbackmap.datafiles import GO_PDB
    >>> atom_label(mda.Universe(GO_PDB).atoms[0])
    'chain A, ASP 2 CA'
    """
    chain = str(getattr(atom, "chainID", "")).strip()
    words = [f"chain {chain}," if chain else "", getattr(atom, "resname", ""), getattr(atom, "resid", "")]
    named = " ".join(str(word) for word in (*words, getattr(atom, "name", "")) if str(word).strip())
    return named if hasattr(atom, "name") or hasattr(atom, "resname") else f"{named} atom {atom.ix + 1}".strip()
