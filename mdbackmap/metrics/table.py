"""Metrics as text."""

import math
import tomllib
from pathlib import Path


def read_labels(table):
    """What metrics are called, by their names in the order of tables of text, from a table of ``labels.toml``."""
    return tomllib.loads(Path(__file__).with_name("labels.toml").read_text())[table]


LABELS = read_labels("metrics")
"""Words, unit, decimals and better side of every metric, in the order of tables."""


def table(columns):
    """
    Metrics as lines of text, one metric a line.

    Parameters
    ----------
    columns : dict of str to dict of str to float
        Metrics by the heading of their column ("" for a single one without). NaN and what a column lacks are shown
        as "-".

    Returns
    -------
    str

    Examples
    --------
    >>> print(table({"T=0": {"rmsd": 1.25}, "T=1": {"rmsd": 1.3, "div": 0.12}}))
                                         T=0   T=1
    RMSD, all heavy atoms            A 1.250 1.300
    DIV (0: as diverse as wrong)           - 0.120
    """
    rows = [["", *columns]] if any(columns) else []
    for key, (words, unit, decimals, _) in known_labels(LABELS, columns):
        cells = (number(column.get(key, math.nan), decimals) for column in columns.values())
        rows.append([f"{words:<32} {unit}", *cells])
    return "\n".join(aligned(rows))


def known_labels(labels, columns):
    """Those of the items of a table of labels, in its order, that any of the columns has a number for."""
    return [(key, label) for key, label in labels.items() if any(key in column for column in columns.values())]


def aligned(rows, gap=" ", left=1):
    """
    Cells as lines of text whose columns are as wide as they need to be.

    Parameters
    ----------
    rows : list of list of str
    gap : str
        Between columns.
    left : int
        So many columns begin at their left side, the others end at their right side.

    Returns
    -------
    list of str

    Examples
    --------
    >>> aligned([["a", "b"], ["10", "20"]])
    ['a   b', '10 20']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = [str.ljust if k < left else str.rjust for k in range(len(widths))]
    return [gap.join(side(*cell) for side, *cell in zip(sides, row, widths, strict=True)) for row in rows]


_SIGNS = {"more": -1.0, "less": 1.0, "": 0.0}


def behind(metrics, others):
    """
    Where metrics are worse than others.

    Parameters
    ----------
    metrics, others : dict of str to float

    Returns
    -------
    list of str
        The metrics in words, with both numbers; those only that have a better side.

    Examples
    --------
    >>> behind({"rmsd": 1.2, "chi1": 70.0, "cis": 1.0}, {"rmsd": 1.6, "chi1": 75.0, "cis": 0.0})
    ['chi1 within 40 degrees (70.0 v. 75.0)']
    """
    worse = []
    for key, (words, _, decimals, better) in LABELS.items():
        value, other = metrics.get(key, math.nan), others.get(key, math.nan)
        if _SIGNS[better] * value > _SIGNS[better] * other:
            worse.append(f"{words} ({number(value, decimals)} v. {number(other, decimals)})")
    return worse


def systems(result, chains, keys=("rmsd", "chi1", "rama_favoured", "clashscore")):
    """
    Some metrics of a benchmark as lines of text, one system a line.

    Parameters
    ----------
    result : dict
        From `benchmark.benchmark`.
    chains : list of Chain
    keys : sequence of str
        Metrics; each in all conditions, but for noisy beads.

    Returns
    -------
    str

    Examples
    --------
    >>> print(systems(result, chains))   # doctest: +SKIP
    """
    conditions = [name for name in result if "noisy" not in name]
    rows = [["", "residues", "frames", *(part for _ in keys for part in conditions)]]
    for chain in chains:
        measured = [result[condition]["chains"][chain.name] for condition in conditions]
        values = [number(row.get(key, math.nan), LABELS[key][2]) for key in keys for row in measured]
        rows.append([chain.name, str(len(chain.types)), str(len(chain.positions)), *values])
    return "\n".join([f"for each system: {', then '.join(LABELS[key][0] for key in keys)}", *aligned(rows, left=0)])


def number(value, decimals):
    """A number with so many decimals; "-" if it is not finite."""
    return f"{value:.{decimals}f}" if math.isfinite(value) else "-"
