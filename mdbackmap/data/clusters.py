"""
Which sequences are related: clusters that keep training and validation apart.

`mmseqs2 <https://github.com/soedinglab/MMseqs2>`_ is used where it is installed. Without it, a rule that anyone can
repeat: two sequences are linked where they share enough words of five residues, and links are followed (single
linkage). On 3,896 sequences of the PDB the rule finds 76% of the pairs that mmseqs2 puts into one cluster at 30%
identity, and 98% of the pairs it finds are pairs of mmseqs2: distant relatives are what it misses.

Shapes: s sequences.
"""

import logging
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from ..chemistry.residues import ALPHABET

logger = logging.getLogger(__name__)

WORD = 5  # residues; chosen: by hand
SHARED = {30: 0.05, 50: 0.2, 90: 0.7}
"""Least share of the words of the shorter of two linked sequences, by identity in percent; chosen: by mmseqs2."""

_LEAST_WORDS = 5  # shared by chance in fewer than one of 3,000 pairs of chains
_COVERAGE = "0.6"  # share of the target that is aligned; chosen: by hand
_MODES = ("--cov-mode", "1", "--cluster-mode", "1")  # coverage of the target; connected components


def clusters(sequences, identity, method="auto"):
    """
    Clusters of related sequences.

    Parameters
    ----------
    sequences : list of str (s,)
        One-letter codes.
    identity : {30, 50, 90}
        Least identity of relatives, in percent.
    method : {"auto", "mmseqs", "words"}
        "auto" takes mmseqs2 if it is on the ``PATH``, else the rule of shared words.

    Returns
    -------
    ndarray of int64, shape (s,)
        Number of the cluster of each sequence.

    Raises
    ------
    ValueError
        An unknown identity or method.
    RuntimeError
        mmseqs2 was asked for and fails or is not installed.

    Examples
    --------
    >>> clusters(["MKVLAAGIVGLC", "MKVLAAGIVGLC", "WWDPEHRSTNQY"], 30, method="words").tolist()
    [0, 0, 1]
    """
    if identity not in SHARED or method not in ("auto", "mmseqs", "words"):
        raise ValueError(
            f"no clusters at {identity}% by {method!r}: expected one of {list(SHARED)} and auto, mmseqs, words"
        )
    unique, inverse = np.unique(np.asarray(sequences, dtype=str), return_inverse=True)
    labels = _by_mmseqs(unique, identity) if tool(method) == "mmseqs" else _by_words(unique, SHARED[identity])
    return first_seen(labels[inverse])


def tool(method="auto"):
    """What `clusters` will use: "mmseqs" or "words"."""
    if method == "mmseqs" and shutil.which("mmseqs") is None:
        raise RuntimeError(
            "mmseqs2 is not installed: there is no mmseqs on the PATH; install it, or do without: method='words' "
            "(--clusters words)"
        )
    return "words" if method == "words" or shutil.which("mmseqs") is None else "mmseqs"


def first_seen(labels):
    """
    Labels numbered in the order in which they appear.

    Examples
    --------
    >>> first_seen(np.array([7, 7, 2, 7])).tolist()
    [0, 0, 1, 0]
    """
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)


def shared_words(sequences, others):
    """
    How much of the shorter sequence's words each pair has in common.

    Parameters
    ----------
    sequences, others : sequence of str (s,), (o,)

    Returns
    -------
    scipy.sparse.coo_array (s, o)
        Shares above 0 of the pairs that have at least five words in common (or all of a shorter one's).

    Examples
    --------
    >>> shared_words(["MKVLAAGIVG"], ["AAMKVLAAGIVGLC", "WWDPEHRSTNQY"]).toarray().tolist()
    [[1.0, 0.0]]
    """
    a, b = _words(sequences), _words(others)
    common = (a @ b.T).tocoo()
    shorter = np.minimum(a.sum(1)[common.row], b.sum(1)[common.col])
    kept = common.data >= np.minimum(_LEAST_WORDS, shorter)
    share = common.data[kept] / shorter[kept]
    return sparse.coo_array((share, (common.row[kept], common.col[kept])), shape=common.shape)


def _words(sequences):
    """Which words each sequence has, shape (s, 20^5); a sequence too short for a word has itself, padded."""
    rows, columns = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for row, sequence in enumerate(sequences):
        kinds = np.array([ALPHABET.index(letter) for letter in sequence.ljust(WORD, ALPHABET[0])])
        n = len(kinds) - WORD + 1
        words = np.unique(sum(kinds[k : k + n] * len(ALPHABET) ** k for k in range(WORD)))
        rows.append(np.full(len(words), row))
        columns.append(words)
    rows, columns = np.concatenate(rows), np.concatenate(columns)
    shape = (len(sequences), len(ALPHABET) ** WORD)
    return sparse.csr_array((np.ones(len(rows), np.int64), (rows, columns)), shape=shape)


def _by_words(sequences, share):
    linked = shared_words(sequences, sequences)
    kept = linked.data >= share
    graph = sparse.coo_array((linked.data[kept], (linked.row[kept], linked.col[kept])), shape=linked.shape)
    return connected_components(graph, directed=False)[1]


def _by_mmseqs(sequences, identity):
    with tempfile.TemporaryDirectory() as folder:
        fasta, out = Path(folder, "sequences.fasta"), Path(folder, "out")
        fasta.write_text("".join(f">{k}\n{sequence}\n" for k, sequence in enumerate(sequences)))
        command = ["mmseqs", "easy-cluster", fasta, out, Path(folder, "scratch")]
        command += ["--min-seq-id", str(identity / 100), "-c", _COVERAGE, *_MODES, "-v", "1"]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        table = Path(f"{out}_cluster.tsv")
        if done.returncode or not table.exists():
            last = (done.stderr or done.stdout).strip().split("\n")[-1]
            raise RuntimeError(f"mmseqs easy-cluster failed ({last}); method='words' does without it")
        pairs = [tuple(map(int, line.split())) for line in table.read_text().splitlines()]
    labels = np.arange(len(sequences))  # sequences too short for mmseqs2 are clusters of their own
    for representative, member in pairs:
        labels[member] = representative
    return labels
