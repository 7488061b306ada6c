"""
A judgement as one HTML file, which needs nothing beside it: pictures are within, and no script and no network is used.

Shapes: F frames, R residues, N beads. Matplotlib is loaded when pictures are drawn.
"""

import base64
import datetime
import io
import math
from html import escape
from pathlib import Path

import numpy as np

from .. import __version__
from ..chemistry.residues import RESIDUE_NAMES
from ..files import replacing
from ..metrics.faults import FAULTS, worst_residues
from ..metrics.limits import LIMITS, beyond
from ..metrics.table import LABELS, number
from . import plots
from .judgement import judged

_ROWS = 20  # residues and structures that a table names, at most; chosen: by hand
_DPI = 150  # pixels an inch; chosen: by hand
CAPTIONS = {
    "ramachandran": "Phi and psi of each residue in each structure. Dark regions are favoured, light ones allowed in "
    "well-resolved crystals (Top8000); outliers are red. Good models have few of them, folded ones near 0.1 %.",
    "chis": "How side chains turn. Grey: crystals (Top8000) of the same residues. Peaks should lie at the same angles. "
    "Their heights may differ, as the rotamers of one protein are not those of all.",
    "validity": "Above: faults of each residue in each structure. Middle: share of structures in which a residue has "
    "a fault of each kind. Below: scores as shares of their limits; what is above the red line is beyond its limit.",
    "residues": "Above: how far atoms of each residue are from the reference, RMS over frames. Below: in which share "
    "of frames the residue has a fault of each kind.",
    "clashes": "Pairs of residues that clash, by the share of structures in which they do. Dark spots are clashes that "
    "stay: look at these residues first.",
    "uncertainty": "How far samples of one frame lie apart, or what B factors of the topology say of it. Where it is "
    "large, the beads leave the atoms open: do not read a single structure there.",
    "samples": "Errors of residues by the spread of the samples. Near the line, the spread is as large as the error.",
    "displacements": "How far beads were moved so that a protein fits on them. Beads of crystals stay where they are.",
}
"""What pictures show, and how to read them."""
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 62rem; margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.5rem; margin-bottom: 0.2rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
.note, figcaption { color: #555; font-size: 0.9rem; } figure { margin: 1.4rem 0; }
figure img { max-width: 100%; height: auto; display: block; margin: 0 auto; }
figcaption { max-width: 46rem; margin: 0.4rem auto; }
.verdict { border-left: 0.4rem solid; padding: 0.7rem 1rem; margin: 1.2rem 0; background: #f6f6f6; }
.good { border-color: #3b7a57; } .bad { border-color: #d8302a; }
table { border-collapse: collapse; font-size: 0.92rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.2rem 0.8rem; border-bottom: 1px solid #e4e4e4; text-align: right; }
th:first-child, td:first-child, .last th:last-child, .last td:last-child { text-align: left; }
th { color: #555; font-weight: 600; }
"""


def save_report(judgements, filename, *, spread=None, displacements=None):
    """
    Write judgements as one HTML file.

    Parameters
    ----------
    judgements : Judgement, AtomGroup, or list of them
        From `judgement.judge_alone` or `judgement.judge`; all atoms and frames of an AtomGroup are judged alone.
    filename : str or Path
        Such as ``report.html``.
    spread : ndarray of float, shape (F, R) or (R,), optional
        Spread of samples, as of ``results.spread``; NaN where it is not known.
    displacements : ndarray of float, shape (F, N), optional
        Of beads, as of ``results.displacements``.

    Returns
    -------
    Path
        The same file.

    Examples
    --------
    >>> save_report(u.atoms, "report.html")  # doctest: +SKIP
    """
    judgements = [judged(one) for one in (judgements if isinstance(judgements, (list, tuple)) else [judgements])]
    body = [_section(judgement, spread, displacements) for judgement in judgements]
    today = datetime.date.today().isoformat()
    note = f"Made by mdbackmap {__version__} on {today}. docs/evaluation.md says how each number is computed."
    title = ", ".join(Path(judgement.name).name for judgement in judgements)
    page = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{escape(title)}: how good the atoms are</title><style>{_STYLE}</style></head>
<body>
{"".join(body)}
<p class="note">{escape(note)}</p>
</body></html>
"""
    with replacing(filename) as aside:
        aside.write_text(page, encoding="utf-8")
    return Path(filename)


def _section(judgement, spread, displacements):
    """All of one judgement."""
    n_frames, n_residues = len(judgement.frames), len(judgement.types)
    samples = f", {judgement.n_samples} samples of each" if judgement.n_samples > 1 else ""
    what = f"{n_residues} residues, {n_frames} frame{'s' * (n_frames != 1)}{samples}"
    name = Path(judgement.name).name
    against = "" if judgement.reference is None else f", against {Path(judgement.reference.name).name}"
    parts = [f"<h1>{escape(name)}</h1><p class='note'>{escape(what + against)}</p>", _verdict(judgement)]
    parts += ["<h2>Scores</h2>", _scores(judgement), "<h2>Pictures</h2>"]
    parts += [_figure(key, draw()) for key, draw in pictures(judgement, spread, displacements).items()]
    return "".join([*parts, _worst(judgement), _beyond(judgement)])


def pictures(judgement, spread=None, displacements=None):
    """
    What there is to draw of a judgement, in the order of a report.

    Parameters
    ----------
    judgement : Judgement
    spread, displacements : ndarray of float, optional
        As of `save_report`.

    Returns
    -------
    dict of str to callable
        Each returns a figure.
    """
    found = {}
    if judgement.validity is not None:
        found["validity"] = judgement.validity.plot
    else:
        found["residues"] = lambda: plots.residue_errors(judgement)
    chain = {"labels": judgement.labels, "ends": judgement.generated.ends}
    if judgement.reference is not None and judgement.n_samples > 2:
        found["samples"] = lambda: plots.spread_of_samples(judgement)
        spread = plots.spread_and_errors(judgement)[0] if spread is None else spread
    if spread is not None and np.isfinite(spread).any():
        found["uncertainty"] = lambda: plots.uncertainty_along_chain(spread, errors=judgement.errors, **chain)
    if displacements is not None:
        same = np.shape(displacements)[-1] == len(judgement.types)
        found["displacements"] = lambda: plots.displacement_along_chain(displacements, **(chain if same else {}))
    found["ramachandran"] = lambda: plots.ramachandran_map(judgement)
    found["chis"] = lambda: plots.chi_histograms(judgement)
    found["clashes"] = lambda: plots.clash_map(judgement)
    return found


def _figure(key, figure):
    """A picture with its caption; the picture is in the file."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=_DPI)
    data = base64.b64encode(stream.getvalue()).decode()
    width = round(96 * figure.get_figwidth())
    image = f'<img width="{width}" alt="{escape(CAPTIONS[key])}" src="data:image/png;base64,{data}">'
    return f'<figure id="{key}">{image}<figcaption>{escape(CAPTIONS[key])}</figcaption></figure>'


def _verdict(judgement):
    """How many structures keep the limits, and which clashes were counted."""
    bad = _structures_beyond(judgement)
    n = len(judgement.frames)
    what = "structures" if judgement.n_samples == 1 else "frames, as means over samples,"
    if n == 1:
        text = f"{'It' if judgement.n_samples == 1 else 'As means over samples, it'} keeps the limits."
        text = text if not bad else "It is beyond the limits; a table below says why."
    elif bad:
        text = f"{len(bad)} of {n} {what} {'are' if len(bad) > 1 else 'is'} beyond the limits; a table below says why."
    else:
        text = f"All {n} {what} keep the limits."
    convention = "" if judgement.validity is None else judgement.validity.convention
    more = f" {convention[:1].upper()}{convention[1:]}." if convention else ""
    return f'<p class="verdict {"bad" if bad else "good"}"><b>{escape(text)}</b>{escape(more)}</p>'


def _structures_beyond(judgement):
    """Number of the structure and what is beyond its limit; scores against a reference are means over samples."""
    if judgement.validity is not None:
        return [(frame, what) for frame, _, what in judgement.validity.beyond_limits()]
    numbers = judgement.numbers or range(len(judgement.frames))
    return [(k, what) for k, row in zip(numbers, judgement.frames, strict=True) if (what := beyond(row))]


def _scores(judgement):
    """Means and extremes beside limits."""
    rows = []
    for key, (words, unit, decimals, better) in LABELS.items():
        if key not in judgement.mean:
            continue
        values = np.array([frame.get(key, math.nan) for frame in judgement.frames], dtype=float)
        values = values[np.isfinite(values)]
        worst = "-"
        if better and len(values) > 1:
            worst = number(float((np.min if better == "more" else np.max)(values)), decimals)
        side, limit = LIMITS.get(key, ("", math.nan))
        kept = f"at {side} {limit:g}" if side else ""
        rows.append([words, number(judgement.mean[key], decimals), worst, kept, unit])
    return table(["", "mean", "worst", "limit", "unit"], rows)


def _worst(judgement):
    """Residues with most faults."""
    rows = []
    for k, total, kinds in worst_residues(judgement.faults, _ROWS):
        what = ", ".join(f"{FAULTS[kind]} x {x:.3g}" for kind, x in sorted(kinds.items(), key=lambda pair: -pair[1]))
        error = [] if judgement.errors is None else [f"{judgement.errors[k]:.2f}"]
        rows.append([f"{RESIDUE_NAMES[judgement.types[k]]} {judgement.labels[k]}", f"{total:.3g}", *error, what])
    heads = ["residue", "faults a structure", *(["RMSD, A"] if judgement.errors is not None else []), "which"]
    return f"<h2>Worst residues</h2>{table(heads, rows)}" if rows else ""


def _beyond(judgement):
    """Structures beyond the limits."""
    bad = _structures_beyond(judgement)
    rows = [[str(frame), "; ".join(what)] for frame, what in bad[:_ROWS]]
    more = f"<p class='note'>and {len(bad) - _ROWS} more</p>" if len(bad) > _ROWS else ""
    return f"<h2>Structures beyond the limits</h2>{table(['frame', 'what'], rows)}{more}" if rows else ""


def table(heads, rows):
    """
    Cells as a table of HTML.

    Parameters
    ----------
    heads : list of str
    rows : list of list of str

    Returns
    -------
    str

    Examples
    --------
    >>> table(["a"], [["<1"]])
    '<table class="last"><tr><th>a</th></tr><tr><td>&lt;1</td></tr></table>'
    """

    def line(cells, tag):
        return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"

    return f'<table class="last">{line(heads, "th")}{"".join(line(row, "td") for row in rows)}</table>'
