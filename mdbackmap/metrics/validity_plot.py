"""
A picture of a `Validity` report; matplotlib is loaded when it is drawn.

Above, faults of each residue in each structure. In the middle, the share of structures in which each residue has a
fault of each kind. Below, scores of the structures as shares of their limits: what is above 1 is beyond its limit.
"""

import numpy as np

from .faults import FAULTS
from .limits import LIMITS
from .table import LABELS

_SHOWN = ("clashscore", "clashscore_all", "rama_outliers", "contacts", "twisted")  # limits at most, and above 0
_COLOURS = ("#2f6690", "#2f6690", "#c9682f", "#7a4988", "#3b7a57")


def validity_figure(validity):
    """
    Draw a report.

    Parameters
    ----------
    validity : Validity

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 9), layout="constrained")
    upper, middle, lower = figure.subplots(3, 1, height_ratios=[3, 2.4, 2])
    total = sum(counts.astype(int) for counts in validity.faults.values())
    shown = upper.imshow(total, aspect="auto", cmap="Reds", vmin=0, vmax=max(1, total.max()), interpolation="nearest")
    figure.colorbar(shown, ax=upper, label="faults")
    upper.set(ylabel="structure", title=validity.name or "validity")
    shares = np.array([(counts > 0).mean(0) for counts in validity.faults.values()])
    shown = middle.imshow(shares, aspect="auto", cmap="Reds", vmin=0, vmax=1, interpolation="nearest")
    figure.colorbar(shown, ax=middle, label="share of structures")
    middle.set(yticks=range(len(shares)), yticklabels=[FAULTS[name] for name in validity.faults])
    ticks = np.unique(np.linspace(0, len(validity.labels) - 1, 6).astype(int))
    upper.yaxis.get_major_locator().set_params(integer=True)
    for axes in (upper, middle):
        axes.set_xticks(ticks, [label.removeprefix("chain ") for label in validity.labels[ticks]])
    _by_structure(lower, validity)
    return figure


def _by_structure(axes, validity):
    """Scores as shares of their limits, and marks where another limit is not kept."""
    number = np.arange(len(validity))
    axes.axhline(1.0, color="#d8302a", linewidth=1)
    names = [name for name in _SHOWN if name in validity.scores]
    if "clashscore_all" in names:
        names.remove("clashscore")
    for name in names:
        label = f"{LABELS[name][0]} / {LIMITS[name][1]:g}"
        colour = _COLOURS[_SHOWN.index(name)]
        axes.plot(number, validity.scores[name] / LIMITS[name][1], ".-", color=colour, label=label, linewidth=1)
    places = {pair: k for k, pair in enumerate(zip(validity.frames.tolist(), validity.samples.tolist(), strict=True))}
    bad = [places[frame, sample] for frame, sample, _ in validity.beyond_limits()]
    label = f"beyond a limit ({len(bad)})"
    (marks,) = axes.plot(bad, np.zeros(len(bad)), "^", color="#d8302a", label=label, clip_on=False)
    marks.set_in_layout(False)  # what is not clipped leaves an empty strip below
    axes.set(xlabel="structure", ylabel="score / limit", ylim=(0, None), xlim=(-0.5, len(validity) - 0.5))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False, fontsize=8, ncols=2)
