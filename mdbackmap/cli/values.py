"""What users type behind options, as the values that it stands for."""

import argparse
import contextlib
import math
from pathlib import Path

from ..options import PROPKA
from ..reading.formats import option_of

_MOST_FRAMES = 10**6  # that --frames may name; chosen: a list of them takes 40 MB


def alias(text):
    """
    ``XYZ=ALA`` as a pair.

    Examples
    --------
    >>> alias("MSE=MET")
    ('MSE', 'MET')
    """
    name, sign, known = (part.strip() for part in text.partition("="))
    if not (name and sign and known):
        raise argparse.ArgumentTypeError(f"expected a pair such as XYZ=ALA, not {text!r}")
    return name, known


def part(text):
    """
    ``3/40`` as a pair.

    Examples
    --------
    >>> part("3/40")
    (3, 40)
    """
    number, _, of = text.partition("/")
    if not (number.strip().isdigit() and of.strip().isdigit() and 0 < int(number) <= int(of)):
        raise argparse.ArgumentTypeError(f"expected a part such as 3/40, the third of forty, not {text!r}")
    return int(number), int(of)


def protonation(text):
    """
    ``A:57=HIP`` as a pair, and ``propka`` as that of all others.

    Examples
    --------
    >>> protonation("A:57=hip"), protonation("propka")
    (('A:57', 'HIP'), ('*', 'propka'))
    """
    if text.strip().lower() == PROPKA:
        return "*", PROPKA
    residue, sign, form = (part.strip() for part in text.partition("="))
    if not (residue and sign and form):
        raise argparse.ArgumentTypeError(f"expected a residue and its form such as A:57=HIP, or propka, not {text!r}")
    return residue, form.upper()


def reader_option(text):
    """
    ``NAME=VALUE`` as a pair.

    Examples
    --------
    >>> reader_option("convert_units=False")
    ('convert_units', False)
    """
    try:
        return option_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def frames(text):
    """
    Frame numbers and ranges (ends included) as a list.

    Examples
    --------
    >>> frames("0,5,10-12")
    [0, 5, 10, 11, 12]
    """
    numbers = []
    try:
        for part in text.split(","):
            first, dash, last = part.strip().rpartition("-")
            span = range(int(first), int(last) + 1) if dash and first else [int(part)]
            if len(numbers) + len(span) > _MOST_FRAMES:
                raise argparse.ArgumentTypeError(f"{text!r} is over {_MOST_FRAMES} frames: use --start, --stop, --step")
            numbers.extend(span)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected frame numbers such as 0,5,10-20, not {text!r}") from None
    if not numbers:
        raise argparse.ArgumentTypeError(f"{text!r} names no frame")
    return numbers


def breaks(text):
    """
    ``auto``, ``topology``, or where chains end: bead numbers (from 0) and CHAIN:RESID, separated by commas.

    Examples
    --------
    >>> breaks("41,B:17")
    [41, ('B', 17)]
    """
    if text in ("auto", "topology"):
        return text
    from ..recognition.breaks import parse_breaks

    try:
        return parse_breaks(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected auto, topology, or ends such as 41,B:17, not {text!r}") from None


def sequence(text):
    """
    A one-letter sequence, one a chain separated by commas, or the name of a FASTA file.

    Examples
    --------
    >>> sequence("MKV")
    'MKV'
    >>> sequence("MKV,GG")
    ['MKV', 'GG']
    """
    if Path(text).suffix.lower() in (".fasta", ".fa", ".faa"):
        return fasta(text)
    chains = [part.strip() for part in text.upper().split(",")]
    if not all(part.isalpha() for part in chains):
        raise argparse.ArgumentTypeError(f"expected one-letter sequences such as MKV,GG or a .fasta file, not {text!r}")
    return chains if len(chains) > 1 else chains[0]


def fasta(filename):
    """The sequences of a FASTA file, in order; each knows the chains that its header names."""
    from ..recognition.fasta import parse_fasta

    try:
        return parse_fasta(Path(filename).read_text())
    except OSError as error:
        raise argparse.ArgumentTypeError(f"cannot read {filename}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise argparse.ArgumentTypeError(f"{filename} is no text: expected a FASTA file") from None
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{filename}: {error}") from None


def positive(text):
    """A whole number of at least 1."""
    return _number(text, int, lambda x: x >= 1, "a whole number of at least 1")


def natural(text):
    """A whole number of at least 0."""
    return _number(text, int, lambda x: x >= 0, "a whole number of at least 0")


def not_negative(text):
    """A finite number of at least 0."""
    return _number(text, float, lambda x: math.isfinite(x) and x >= 0, "a number of at least 0")


def above_zero(text):
    """A finite number above 0."""
    return _number(text, float, lambda x: math.isfinite(x) and x > 0, "a number above 0")


def batch_size(text):
    """``auto`` or a whole number of at least 1."""
    return text if text == "auto" else positive(text)


def _number(text, kind, fits, expected):
    with contextlib.suppress(ValueError):
        value = kind(text)
        if fits(value):
            return value
    raise argparse.ArgumentTypeError(f"expected {expected}, not {text!r}")


def tolerance(text):
    """
    ``auto``, or how far beads may move.

    Examples
    --------
    >>> tolerance("auto"), tolerance("0.5")
    ('auto', 0.5)
    """
    return text if text == "auto" else not_negative(text)
