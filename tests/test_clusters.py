"""Clusters of related sequences, by shared words and through mmseqs2."""

import os
import stat

import numpy as np
import pytest

from mdbackmap.chemistry.residues import ALPHABET
from mdbackmap.data.clusters import clusters, shared_words, tool


def random_sequences(n, length, seed=0):
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list(ALPHABET), length)) for _ in range(n)]


def mutated(sequence, share, seed=1):
    rng = np.random.default_rng(seed)
    letters = np.array(list(sequence))
    at = rng.random(len(letters)) < share
    letters[at] = rng.choice(list(ALPHABET), at.sum())
    return "".join(letters)


def test_unrelated_sequences_are_apart_and_equal_ones_together():
    sequences = random_sequences(40, 150)
    labels = clusters([*sequences, *sequences], 30, "words")
    assert labels.tolist() == [*range(40), *range(40)]


@pytest.mark.parametrize(("identity", "changed"), [(30, 0.45), (50, 0.25), (90, 0.03)])
def test_relatives_are_together(identity, changed):
    a, b = random_sequences(2, 300)
    labels = clusters([a, b, mutated(a, changed)], identity, "words")
    assert labels.tolist() == [0, 1, 0]


def test_distant_relatives_are_apart_at_90_percent():
    a = random_sequences(1, 300)[0]
    assert clusters([a, mutated(a, 0.25)], 90, "words").tolist() == [0, 1]


def test_links_are_followed():
    a, b = random_sequences(2, 100)
    assert clusters([a, b, a + b], 30, "words").tolist() == [0, 0, 0]


def test_shared_words_equal_a_slow_count():
    a, b = random_sequences(1, 60)[0], random_sequences(1, 40, 5)[0]
    b = a[10:30] + b
    words = [{s[k : k + 5] for k in range(len(s) - 4)} for s in (a, b)]
    expected = len(words[0] & words[1]) / min(map(len, words))
    assert shared_words([a], [b]).toarray()[0, 0] == pytest.approx(expected)


def test_peptides_shorter_than_a_word_are_related_to_themselves_only():
    assert clusters(["GG", "GG", "AG", "MKVLAAG"], 30, "words").tolist() == [0, 0, 1, 2]


def test_mmseqs_is_used_where_it_is_installed(tmp_path, monkeypatch):
    program = tmp_path / "mmseqs"
    pairs = "0\\t0\\n0\\t2\\n1\\t1\\n"
    program.write_text(f'#!/bin/sh\n[ "$1$6" = easy-cluster0.3 ] || exit 1\nprintf "{pairs}" > "$3_cluster.tsv"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert tool() == "mmseqs"
    assert clusters(["AAAAAAA", "CCCCCCC", "DDDDDDD", "AAAAAAA"], 30).tolist() == [0, 1, 0, 0]
    with pytest.raises(RuntimeError, match="mmseqs easy-cluster failed"):
        clusters(["AAAAAAA", "CCCCCCC"], 90)


def test_mmseqs_that_is_not_there(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert tool() == "words"
    with pytest.raises(RuntimeError, match="not installed"):
        clusters(["AAAAA"], 30, "mmseqs")


def test_unknown_identity_is_refused():
    with pytest.raises(ValueError, match="expected one of"):
        clusters(["AAAAA"], 40)
