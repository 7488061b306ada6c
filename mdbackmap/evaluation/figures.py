"""What all pictures of the evaluation have in common: colours, sizes, the axis of residues. Matplotlib when drawn."""

from pathlib import Path

import numpy as np

from ..data.known import spread as spread_out
from ..files import replacing

BLUE, ORANGE, RED, GREY, PALE = "#2f6690", "#c9682f", "#d8302a", "#333333", "#9ab4c8"
_TICKS = 9  # labels of residues below an axis, at most; chosen: by hand


def new_figure(size):
    """An empty figure of a size in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained")


def save_figure(figure, folder, name):
    """
    Write a picture into a folder, which is made if there is none; the file appears when it is complete.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    folder : str or Path
    name : str
        Of the file.

    Returns
    -------
    Path
        Of the file.
    """
    file = Path(folder, name)
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as aside:
        figure.savefig(aside, format="png", dpi=110)
    return file


def say_empty(axes, words):
    """Say in the middle of an axis why nothing is drawn on it."""
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center")
    axes.set(xticks=[], yticks=[])


def plain_axes(axes, *, ground=True):
    """Take away the upper and the right line; `ground`: thin lines across, behind what is drawn."""
    axes.spines[["top", "right"]].set_visible(False)
    if ground:
        axes.grid(axis="y", color="#e4e4e4", linewidth=0.8)
        axes.set_axisbelow(True)


def residue_axis(axes, labels, ends=None):
    """
    Name residues below an axis, and mark where chains end.

    Parameters
    ----------
    axes : matplotlib Axes
        Whose x is the residue, from 0.
    labels : sequence of str, length R
        Chain and number, such as "A 52".
    ends : ndarray of bool, shape (R,), optional
        Last residue of each unbroken stretch.
    """
    ticks = spread_out(len(labels), _TICKS)
    axes.set_xticks(ticks, [labels[k] for k in ticks])
    axes.set_xlim(-0.5, len(labels) - 0.5)
    for end in np.flatnonzero([] if ends is None else ends[:-1]):
        axes.axvline(end + 0.5, color="#888888", linewidth=0.8, linestyle=":")
