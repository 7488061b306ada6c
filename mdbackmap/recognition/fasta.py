"""FASTA files, and which of their records belongs to which chain."""

from __future__ import annotations

import re


class Record(str):
    """
    One-letter codes of a FASTA record.

    Attributes
    ----------
    chains : tuple of tuple of str
        The chains that its header names, each with all its names: the author's, then the PDB's.
    """

    chains = ()


def parse_fasta(text):
    r"""
    The records of a FASTA file.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of Record

    Raises
    ------
    ValueError
        No record, or one without a sequence.

    Examples
    --------
    >>> record, = parse_fasta(">5XXX_1|Chains A[auth X], B|thing|Homo\nMKV\nLL*")
    >>> record, record.chains
    ('MKVLL', (('X', 'A'), ('B',)))
    """
    records = []
    for part in text.split(">")[1:]:
        header, *lines = part.splitlines() or [""]
        lines = [line for line in lines if not line.startswith(";")]
        record = Record("".join("".join(lines).split()).rstrip("*").upper())
        record.chains = header_chains(header)
        records.append(record)
    if not records or not all(records):
        raise ValueError("no FASTA record ('>name', then the sequence), or one without a sequence")
    return records


def header_chains(header):
    """
    The chains that a FASTA header names, as those of the PDB do.

    Examples
    --------
    >>> header_chains("5XXX_1|Chains A, B[auth Q]|thing"), header_chains("1ABC:C|PDBID|CHAIN|SEQUENCE")
    ((('A',), ('Q', 'B')), (('C',),))
    >>> header_chains("sp|P0CG48|UBC_HUMAN Polyubiquitin-C")
    ()
    """
    new = re.search(r"\|\s*Chains?\s+([^|]+)\|?", header)
    old = re.match(r"\w{4}:(\w{1,4})(?=$|\s|\|)", header) or re.match(r"\d\w{3}_([A-Za-z]\w{0,3})(?=$|\s|\|)", header)
    if new:
        names = [re.match(r"\s*(\w+)\s*(?:\[auth\s+(\w+)\])?\s*$", part) for part in new[1].split(",")]
        return tuple((x[2], x[1]) if x[2] else (x[1],) for x in names if x)
    return ((old[1],),) if old else ()


def assign(records, sizes, chain_ids, segids):
    """
    The record of each chain.

    Parameters
    ----------
    records : list of str
        Some may be `Record`.
    sizes : ndarray of int, shape (c,)
        Numbers of residues of the chains.
    chain_ids, segids : ndarray of str, shape (c,)
        Their names.

    Returns
    -------
    list of str or None
        One for each chain: in order, else by the names in headers, else the only one of the chain's length. None if
        these do not tell, or a record is left over that no header gives to another chain.
    """
    if len(records) == len(sizes) and [len(x) for x in records] == list(sizes):
        return list(records)
    named = _by_names(records, chain_ids, segids)
    if named is not None and [len(x) for x in named] == list(sizes):
        return named
    of_length = {len(x): str(x) for x in records}
    found = [of_length.get(int(n)) for n in sizes]
    return found if set(found) == set(map(str, records)) else None


def _by_names(records, chain_ids, segids):
    for k in (0, -1):  # the author's names, then those of the PDB
        of = {names[k]: record for record in records for names in getattr(record, "chains", ())}
        found = [of.get(str(c), of.get(str(s))) for c, s in zip(chain_ids, segids, strict=True)]
        if of and None not in found:
            return found
    return None
