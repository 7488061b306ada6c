"""
Residue names of a trace: from its own names, from aliases, or from a sequence given by the user.

Shapes: N beads, one a residue.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from ..chemistry import residues, variants
from ..molecule.attributes import chain_letters, listed
from ..molecule.mapping import MappingError
from .fasta import Record, assign

_SHOWN, _CHAINS = 8, 20  # lengths and chains in a message; chosen: by hand
_KINDS = 60  # names shown of those that are unknown: in practice all; chosen: by hand
_AWSEM = {"NGP", "IGL", "IPR"}  # neither glycine nor proline, glycine, proline


def checked_aliases(aliases) -> dict:
    """
    The user's aliases, known to point at amino acids.

    Parameters
    ----------
    aliases : dict or None
        Residue name -> one of the twenty (or an alias of `variants.ALIASES`, or a one-letter code).

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
        known = residues.NAME_OF_LETTER.get(known, variants.ALIASES.get(known, known))
        if known not in residues.TYPE_OF_NAME:
            raise MappingError(f"alias {name!r}: {target!r} is not an amino acid, expected one of {_known()}")
        checked[str(name).strip().upper()] = known
    return checked


def name_residues(resnames, ends, table, sequence=None, apart=None):
    """
    Residue names of the beads, all of them amino acids.

    Parameters
    ----------
    resnames : ndarray of str, shape (N,)
        Canonical names as far as the input tells them.
    ends : ndarray of bool, shape (N,)
        Where chains end.
    table : dict
        `resids`, `icodes`, `chainIDs`, `segids` (R,). Where sequences split a nameless
        single chain, its `chainIDs` and `resids` are replaced.
    sequence : str, list of str or dict, optional
        One-letter codes; see `recognise`.
    apart : ndarray of bool, shape (N,), optional
        Where chains end by distance, too: a single chain may be several that the file does not name.

    Returns
    -------
    resnames : ndarray of str, shape (N,)
    ends : ndarray of bool, shape (N,)
        As given, and where sequences split a chain.

    Raises
    ------
    MappingError
        A sequence of another length, with other letters or for other chains; names of no amino acid.
    """
    if sequence is not None:
        if not hasattr(sequence, "__len__"):
            raise MappingError(f"sequence={sequence!r}: expected one-letter codes, a list of them or a dict by chainID")
        resnames = resnames.astype("U8")
        parts, ends = _parts(sequence, ends, table, apart)
        for where, letters in parts:
            resnames[where] = [residues.NAME_OF_LETTER[x] for x in letters]
    unknown = ~np.isin(resnames, residues.RESIDUE_NAMES)
    if unknown.any():
        _refuse_unknown(resnames[unknown], np.flatnonzero(unknown)[0], table)
    return resnames, ends


def _parts(sequence, ends, table, apart):
    """Pairs of (places, letters), with lengths and letters checked, and where chains end then."""
    if isinstance(sequence, dict):
        of_chain = {k: (table["chainIDs"] == k) | (table["segids"] == k) for k in sequence}
        parts = [(np.flatnonzero(of_chain[k]), f"chain {k}", x) for k, x in sequence.items()]
        return [(where, _letters(text, len(where), what, table)) for where, what, text in parts], ends
    records = [_clean(x) for x in ([sequence] if isinstance(sequence, str) else sequence)]
    n, n_chains = len(ends), np.count_nonzero(ends)
    together = sum(len(x) for x in records)
    if len(records) == 1 and together == n:
        return [(np.arange(n), _letters(records[0], n, "the molecule", table))], ends
    found = _of_chains(records, ends, table)
    if found is None and n_chains == 1 and together == n:  # a list splits a single chain
        ends = np.isin(np.arange(n), np.cumsum([len(x) for x in records]) - 1)
        found = records
    elif found is None and n_chains == 1 and apart is not None:
        found = _of_chains(records, apart, table)
        ends = ends if found is None else apart
    if found is None:
        _refuse_lengths(records, n, n_chains, table)
    if n_chains < len(found):
        renumber(table, ends)
    places = np.split(np.arange(n), np.flatnonzero(ends[:-1]) + 1)
    return [(where, _letters(x, len(where), "a chain", table)) for where, x in zip(places, found, strict=True)], ends


def _clean(text):
    """A sequence without spaces, in capitals; a FASTA record still knows its chains."""
    if isinstance(text, Record):
        return text
    return "".join(str(text).split()).upper()


def _of_chains(records, ends, table):
    """The record of each chain, or None."""
    last = np.flatnonzero(ends)
    return assign(records, np.diff(last, prepend=-1), table["chainIDs"][last], table["segids"][last])


def _refuse_lengths(records, n, n_chains, table):
    if len(records) == 1:
        raise MappingError(
            f"sequence has {len(records[0])} residues for the molecule, expected {n}, one for each bead (or the length "
            f"of each of its chains, if all are alike); chains are {_chains(table)}"
        )
    raise MappingError(
        f"sequence lists {len(records)} chains of together {sum(len(x) for x in records)} residues "
        f"({listed(map(len, records), _SHOWN)}), expected {n_chains} chains of together {n}: {_chains(table)}; one "
        "may serve all chains of its length"
    )


def renumber(table, ends):
    """A nameless single chain becomes several, each with numbers from 1."""
    sizes = np.diff(np.flatnonzero(ends), prepend=-1)
    table["chainIDs"] = chain_letters(np.repeat([f"#{i}" for i in range(len(sizes))], sizes))
    table["resids"] = counted_from_one(ends)


def counted_from_one(ends):
    """Numbers 1, 2, ... of the residues of each chain, int, shape (R,), from where chains end (R,)."""
    return np.concatenate([np.arange(1, n + 1) for n in np.diff(np.flatnonzero(ends), prepend=-1)])


def _letters(text, n, what, table):
    letters = _clean(text)
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


def _refuse_unknown(names, first, table):
    kinds = list(dict.fromkeys(str(x) or "(no name)" for x in names))
    shown = listed(kinds, _KINDS)
    at = f"{table['resids'][first]}{table['icodes'][first]} of chain {table['chainIDs'][first]}"
    if set(kinds) <= _AWSEM:
        raise MappingError(
            f"residue names of AWSEM: {shown} ({len(names)} beads, the first residue {at}), which keep no sequence; "
            "say what it is with sequence='MKV...' (--sequence, letters or a FASTA file)"
        )
    like = residues.NAME_OF_LETTER.get(kinds[0])
    example = (
        f"aliases={{{kinds[0]!r}: {like!r}}} (--alias {kinds[0]}={like})"
        if like
        else f"aliases={{{kinds[0]!r}: NAME}} (--alias {kinds[0]}=NAME), NAME one of these"
    )
    raise MappingError(
        f"unknown residue names among the beads: {shown} ({len(names)} beads, the first residue {at}); "
        f"expected amino acids: {_known()}, or names of force fields for them; say what each stands for: {example}; "
        "or give them all with sequence='MKV...' (--sequence), or leave them out of the selection"
    )


def _chains(table):
    sizes = Counter(table["chainIDs"].tolist())
    return listed([f"{c} ({n})" for c, n in sizes.items()], _CHAINS)


def _known():
    return ", ".join(residues.RESIDUE_NAMES)
