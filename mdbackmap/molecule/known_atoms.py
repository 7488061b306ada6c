"""Which atoms of a protein the atoms of another file are: matched by chain, number, insertion code and name."""

import numpy as np

from ..chemistry import other_atoms
from ..chemistry.terminal_caps import SAME
from ..chemistry.variants import ATOM_ALIASES, CAPS, CAPS_BEFORE, OXYGENS
from .attributes import listed
from .mapping import MappingError
from .topology import Topology

_BACKBONE = ("N", "CA", "C")


def own_rows(kept: Topology, fine: Topology) -> np.ndarray:
    """
    Which atoms of a protein the atoms of other files are.

    Residues belong together that have the same chain, number and insertion code. A chain of another name than all of
    the protein's is the one that has all of its residues. Amino acids of a chain that fits none are other molecules.

    Parameters
    ----------
    kept : Topology
        Of the atoms that are known.
    fine : Topology
        Of the protein.

    Returns
    -------
    ndarray of int64
        Rows of `fine`; -1 for atoms of other molecules, -2 for hydrogens and alternate places of the protein's atoms.

    Raises
    ------
    MappingError
        Residues that the protein does not have, or has under another name; atoms that a residue does not have, or that
        need others to be built on.
    """
    numbers = [*zip(fine.chainIDs, fine.resids.tolist(), fine.icodes, strict=True)]
    place = {number: r for r, number in enumerate(numbers) if not fine.hetero[r] and fine.types[r] >= 0}
    chains = _chains(kept, fine, place)
    row_of = {(r, name): k for k, (r, name) in enumerate(zip(fine.residue_of_atom.tolist(), fine.names, strict=True))}
    found, starts = np.full(kept.n_atoms, -1), np.searchsorted(kept.residue_of_atom, np.arange(kept.n_residues + 1))
    for residue in np.flatnonzero(kept.types >= 0):
        chain = chains[kept.chainIDs[residue]]
        if chain is None:
            continue
        at = place.get((chain, int(kept.resids[residue]), kept.icodes[residue]))
        _check_residue(kept, residue, fine, at, chain)
        span = np.arange(*starts[residue : residue + 2])
        rows = _rows(kept, residue, span, at, fine, row_of)
        if np.isin(rows[rows >= 0], found).any():
            raise MappingError(f"keep= has {kept.label(residue)} twice: give each residue once")
        found[span] = rows
        for side, cap in enumerate((residue - 1, residue + 1)):
            if 0 <= cap < kept.n_residues and kept.resnames[cap] in CAPS and _is_beside(kept, residue, cap, side):
                span = np.arange(*starts[cap : cap + 2])
                found[span] = _cap_rows(kept, cap, span, fine, at + (1 if side else -1), row_of)
    return found


def _is_beside(kept, residue, cap, side):
    """Whether a cap is that before (0) or behind (1) a residue."""
    same = kept.chainIDs[cap] == kept.chainIDs[residue] and kept.segids[cap] == kept.segids[residue]
    return same and (kept.resnames[cap] in CAPS_BEFORE) != bool(side)


def _cap_rows(kept, cap, span, fine, at, row_of):
    """Rows of the atoms `span` of a cap, the protein's residue `at`."""
    name = SAME.get(kept.resnames[cap], kept.resnames[cap])
    if not (0 <= at < fine.n_residues and fine.resnames[at] == name):
        raise MappingError(
            f"keep= has {kept.label(cap)}, a cap that the chain does not get: add caps=True (--caps), or leave it out"
        )
    names = [ATOM_ALIASES.get((name, atom), atom) for atom in kept.names[span].tolist()]
    return np.array([-2 if atom.startswith("H") else row_of.get((at, atom), -2) for atom in names])


def _chains(kept, fine, place):
    """For each chain of the kept atoms, the protein's chain that it is; None for another molecule."""
    known, amino, chains = set(fine.chainIDs[~fine.hetero].tolist()), kept.types >= 0, {}
    names = {number: fine.resnames[r] for number, r in place.items()}
    for chain in dict.fromkeys(kept.chainIDs[amino].tolist()):
        if chain in known:
            chains[chain] = chain
            continue
        mine = np.flatnonzero(amino & (kept.chainIDs == chain))
        numbers = [(int(kept.resids[r]), kept.icodes[r], kept.resnames[r]) for r in mine]
        fitting = [c for c in sorted(known) if all(names.get((c, *number)) == name for *number, name in numbers)]
        if len(fitting) > 1:
            raise MappingError(
                f"keep=: chain {chain or '(no name)'} could be chain {' or '.join(fitting)} of the beads: give it the "
                "name of the chain that it is"
            )
        chains[chain] = fitting[0] if fitting else None
    return chains


def _check_residue(kept, residue, fine, at, chain):
    label = kept.label(residue)
    if at is None:
        there = listed([s for s in fine.stretches() if s.startswith(f"{chain} ")], 3)
        raise MappingError(
            f"keep= has {label}, which the beads do not have (they have {there}): number residues as the beads, or "
            "leave it out"
        )
    if kept.resnames[residue] != fine.resnames[at]:
        raise MappingError(
            f"keep= has {label}, but the beads have {fine.label(at)}: keep= has to be the same molecule, with the same "
            "numbers; leave out residues that differ"
        )


def _rows(kept, residue, span, at, fine, row_of):
    """Rows of the atoms `span` of a residue, the protein's residue `at`."""
    rows, taken, resname = np.full(len(span), -2), {}, fine.resnames[at]
    for k, atom in enumerate(span.tolist()):
        if other_atoms.kind_of(kept.elements[atom]) is None:
            continue
        name = kept.names[atom]
        name = name if (at, name) in row_of else ATOM_ALIASES.get((resname, name), name)
        name = name if (at, name) in row_of else OXYGENS.get(name, name)
        if (at, name) not in row_of:
            if name == "OXT":
                continue
            raise MappingError(
                f"keep= has {kept.label(residue)} {kept.names[atom]}, an atom that {fine.label(at)} does not have: "
                "leave it out of keep="
            )
        if name not in taken:  # else an alternate place
            taken[name] = k
            rows[k] = row_of[at, name]
    missing = [name for name in _BACKBONE if name not in taken]
    if missing and set(taken) - {"CA"} or "CA" in missing:
        raise MappingError(
            f"keep= has {kept.label(residue)} without {', '.join(missing)}: expected all of a residue, its backbone "
            "(N, CA, C, O) and any of its side chain, or CA alone"
        )
    return rows
