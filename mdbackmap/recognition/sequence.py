"""
Residue names of a trace: from its own names, from aliases, or from a sequence given by the user.

Legend: `N` beads, one a residue.
"""

from __future__ import annotations

import numpy as np

from .. import residues
from ..attributes import chain_letters
from ..mapping import MappingError

_NAME_OF_LETTER = dict(zip(residues.ALPHABET, residues.RESIDUE_NAMES, strict=True))


_AWSEM = {"NGP", "IGL", "IPR"}  # neither glycine nor proline, glycine, proline


def checked_aliases(aliases) -> dict:
    """
    The user's aliases, known to point at amino acids.

    Parameters
    ----------
    aliases : dict or None
        Residue name -> one of the twenty (or an alias of `residues.ALIASES`, or a one-letter code).

    Returns
    -------
    dict
        Upper-case names -> three-letter names.

    Raises
    ------
    MappingError
        An alias that stands for no amino acid.

    Examples
    --------
    >>> checked_aliases({"SEP": "ser", "NLE": "M"})
    {'SEP': 'SER', 'NLE': 'MET'}
    """
    checked = {}
    if not isinstance(aliases, dict | None):
        raise MappingError(f"aliases={aliases!r:.60}: expected a dict, such as {{'SEP': 'SER'}}")
    for name, target in (aliases or {}).items():
        known = str(target).strip().upper()
        known = _NAME_OF_LETTER.get(known, residues.ALIASES.get(known, known))
        if known not in residues.TYPE_OF_NAME:
            raise MappingError(f"alias {name!r}: {target!r} is not an amino acid, expected one of {_known()}")
        checked[str(name).strip().upper()] = known
    return checked


def name_residues(resnames, ends, table, sequence=None):
    """
    Residue names of the beads, all of them amino acids.

    Parameters
    ----------
    resnames : (N,) str array
        Canonical names as far as the input tells them.
    ends : (N,) bool array
        Where chains end.
    table : dict
        `resids`, `icodes`, `chainIDs`, `segids` (N,). Where a list of sequences splits a nameless
        single chain, its `chainIDs` and `resids` are replaced.
    sequence : str, list of str or dict, optional
        One-letter codes; see `recognise`.

    Returns
    -------
    resnames : (N,) str array
    ends : (N,) bool array
        As given, and where a list of sequences splits a chain.

    Raises
    ------
    MappingError
        A sequence of another length, with other letters or for other chains; names of no amino acid.
    """
    if sequence is not None:
        if not hasattr(sequence, "__len__"):
            raise MappingError(f"sequence={sequence!r}: expected one-letter codes, a list of them or a dict by chainID")
        resnames = resnames.astype("U8")
        for where, letters in _parts(sequence, ends, table):
            resnames[where] = [_NAME_OF_LETTER[x] for x in letters]
        ends = ends | _split(sequence, ends, table)
    unknown = ~np.isin(resnames, residues.RESIDUE_NAMES)
    if unknown.any():
        _refuse_unknown(resnames[unknown], np.flatnonzero(unknown)[0], table)
    return resnames, ends


def _parts(sequence, ends, table):
    """Pairs of (places, letters), with lengths and letters checked."""
    chain = np.cumsum(np.append(0, ends[:-1]))
    if isinstance(sequence, dict):
        of_chain = {k: (table["chainIDs"] == k) | (table["segids"] == k) for k in sequence}
        parts = [(np.flatnonzero(of_chain[k]), f"chain {k}", x) for k, x in sequence.items()]
    elif isinstance(sequence, str) or len(sequence) != chain[-1] + 1:
        whole = sequence if isinstance(sequence, str) else _concatenated(sequence, len(ends), chain[-1] + 1)
        parts = [(np.arange(len(ends)), "the molecule", whole)]
    else:
        parts = [(np.flatnonzero(chain == i), f"chain {i + 1} of the list", x) for i, x in enumerate(sequence)]
    return [(where, _letters(text, len(where), what, table)) for where, what, text in parts]


def _letters(text, n, what, table):
    letters = "".join(str(text).split()).upper()
    strange = sorted(set(letters) - set(residues.ALPHABET))
    if strange:
        raise MappingError(f"sequence has {', '.join(strange)}: expected one-letter codes {residues.ALPHABET}")
    if n == 0:
        raise MappingError(f"sequence names {what}, which is not there: chains are {_chains(table)}")
    if len(letters) != n:
        raise MappingError(
            f"sequence has {len(letters)} residues for {what}, expected {n}, one for each bead; "
            f"chains are {_chains(table)}"
        )
    return letters


def _concatenated(sequence, n, n_chains):
    whole = "".join("".join(str(x).split()) for x in sequence)
    if n_chains == 1 and len(whole) == n:
        return whole
    raise MappingError(
        f"sequence lists {len(sequence)} chains of together {len(whole)} residues, "
        f"expected {n_chains} chains of together {n}"
    )


def _split(sequence, ends, table):
    """Ends that a list of sequences puts into a single chain; names and numbers follow."""
    n_chains = 1 + np.count_nonzero(ends[:-1])
    added = np.zeros(len(ends), dtype=bool)
    if isinstance(sequence, str | dict) or len(sequence) == n_chains:
        return added
    sizes = [len("".join(str(x).split())) for x in sequence]
    added[np.cumsum(sizes) - 1] = True
    table["chainIDs"] = chain_letters(np.repeat([f"#{i}" for i in range(len(sizes))], sizes))
    table["resids"] = np.concatenate([np.arange(1, k + 1) for k in sizes])
    return added


def _refuse_unknown(names, first, table):
    kinds = list(dict.fromkeys(str(x) or "(no name)" for x in names))
    shown = ", ".join(kinds[:10]) + (", ..." if len(kinds) > 10 else "")
    at = f"{table['resids'][first]}{table['icodes'][first]} of chain {table['chainIDs'][first]}"
    if set(kinds) <= _AWSEM:
        raise MappingError(
            f"residue names of AWSEM: {shown} ({len(names)} beads, the first residue {at}), which keep no sequence; "
            "say what it is with sequence='MKV...' (--sequence, letters or a FASTA file)"
        )
    raise MappingError(
        f"unknown residue names among the beads: {shown} ({len(names)} beads, the first residue {at}); "
        f"expected amino acids: {_known()} (and {', '.join(residues.ALIASES)}); say what they are with "
        f"aliases={{{kinds[0]!r}: 'ALA'}} (--alias {kinds[0]}=ALA) or sequence='MKV...' (--sequence), or leave "
        "them out of the selection"
    )


def _chains(table):
    return ", ".join(f"{c} ({np.count_nonzero(table['chainIDs'] == c)})" for c in dict.fromkeys(table["chainIDs"]))


def _known():
    return ", ".join(residues.RESIDUE_NAMES)
