"""Metrics as text and as JSON."""

import json
import math

from ..files import replacing

LABELS = {
    "rmsd": ("RMSD, all heavy atoms", "A", 3),
    "rmsd_backbone": ("RMSD, backbone (N, C, O)", "A", 3),
    "rmsd_side_chain": ("RMSD, side chains", "A", 3),
    "rmsd_ca": ("RMSD, C-alphas", "A", 3),
    "rmsd_best": ("RMSD, best of the samples", "A", 3),
    "best_gain": ("best sample below the mean by", "%", 1),
    "div": ("DIV (0: as diverse as wrong)", "", 3),
    "bead_deviation": ("largest shift of a CA", "A", 3),
    "chi1": ("chi1 within 40 degrees", "%", 1),
    "chi12": ("chi1 and chi2 within 40 degrees", "%", 1),
    "bonds": ("bonds within 10%", "%", 2),
    "angles": ("angles within 10 degrees", "%", 2),
    "bonds_ideal": ("bonds near ideal (10%)", "%", 2),
    "angles_ideal": ("angles near ideal (10 degrees)", "%", 2),
    "ged": ("GED, bonds missing or extra", "%", 3),
    "contacts": ("residues with a contact < 1.2 A", "%", 3),
    "clashscore": ("clashes per 1000 heavy atoms", "", 1),
    "clashscore_all": ("clashes per 1000 atoms, with H", "", 1),
    "rama_favoured": ("Ramachandran favoured", "%", 1),
    "rama_allowed": ("Ramachandran allowed", "%", 1),
    "rama_outliers": ("Ramachandran outliers", "%", 1),
    "rotamer_favoured": ("rotamers favoured", "%", 1),
    "rotamer_outliers": ("rotamer outliers", "%", 1),
    "cbeta_outliers": ("CB off by more than 0.25 A", "%", 2),
    "cis": ("cis peptides", "%", 2),
    "twisted": ("twisted peptides", "%", 2),
    "cis_kept": ("cis peptides kept", "%", 1),
    "false_cis": ("false cis peptides", "%", 2),
    "mirrored_ca": ("mirrored CA", "%", 2),
    "mirrored_cb": ("mirrored CB of ILE, THR", "%", 2),
    "jsd_phi": ("phi distributions differ by", "nats", 3),
    "jsd_psi": ("psi distributions differ by", "nats", 3),
    "jsd_chi1": ("chi1 distributions differ by", "nats", 3),
    "jsd_phi_half": ("phi, half v. the other half", "nats", 3),
    "jsd_psi_half": ("psi, half v. the other half", "nats", 3),
    "jsd_chi1_half": ("chi1, half v. the other half", "nats", 3),
    "phi_in_50": ("true phi in the likeliest half", "%", 1),
    "psi_in_50": ("true psi in the likeliest half", "%", 1),
    "chi1_in_50": ("true chi1 in the likeliest half", "%", 1),
    "phi_in_90": ("true phi in the likeliest 90%", "%", 1),
    "psi_in_90": ("true psi in the likeliest 90%", "%", 1),
    "chi1_in_90": ("true chi1 in the likeliest 90%", "%", 1),
    "energy": ("amber14 energy of a residue", "kJ/mol", 1),
    "energy_reference": ("the same of the reference", "kJ/mol", 1),
    "finite": ("structures with finite forces", "%", 1),
    "finite_steps": ("steps until forces are finite", "", 1),
    "seconds": ("processor time, 159 residues", "s", 3),
    "seconds_ratio": ("as a multiple of PULCHRA's", "", 2),
}
"""Words, unit and decimals of every metric, in the order of tables."""


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
    shown = [key for key in LABELS if any(key in column for column in columns.values())]
    rows = [["", *columns]] if any(columns) else []
    for key in shown:
        words, unit, decimals = LABELS[key]
        cells = (number(column.get(key, math.nan), decimals) for column in columns.values())
        rows.append([f"{words:<32} {unit}", *cells])
    return "\n".join(aligned(rows))


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


_MORE_IS_BETTER = """chi1 chi12 bonds angles bonds_ideal angles_ideal rama_favoured rotamer_favoured cis_kept
finite""".split()
_LESS_IS_BETTER = """rmsd rmsd_backbone rmsd_side_chain bead_deviation ged contacts clashscore clashscore_all
rama_outliers rotamer_outliers cbeta_outliers twisted false_cis mirrored_ca mirrored_cb jsd_phi jsd_psi jsd_chi1
jsd_phi_half jsd_psi_half jsd_chi1_half energy finite_steps seconds""".split()


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
    worse = [key for key in _MORE_IS_BETTER if metrics.get(key, math.nan) < others.get(key, math.nan)]
    worse += [key for key in _LESS_IS_BETTER if metrics.get(key, math.nan) > others.get(key, math.nan)]
    return [
        f"{words} ({number(metrics[key], n)} v. {number(others[key], n)})"
        for key, (words, _, n) in LABELS.items()
        if key in worse
    ]


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


def save_json(content, filename):
    """
    Write plain values as JSON, NaN as null; the file appears under its name when it is complete.

    Parameters
    ----------
    content : dict
    filename : str or Path

    Examples
    --------
    >>> save_json({"rmsd": float("nan")}, "metrics.json")  # doctest: +SKIP
    """
    with replacing(filename) as aside:
        aside.write_text(json.dumps(plain(content), indent=1, allow_nan=False) + "\n")


def plain(value):
    """A nest of dicts and lists with numpy's values as Python's, and None for NaN and infinity, which JSON lacks."""
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value
