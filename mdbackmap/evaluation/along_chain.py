"""
Pictures along the chain: faults and errors, uncertainty, displacements of beads; and which residues clash.

Shapes: F frames, R residues, N beads. Angstrom. Matplotlib is loaded when a picture is drawn.
"""

import numpy as np

from ..metrics.faults import FAULTS
from ..metrics.measure import Measure
from .figures import BLUE, GREY, ORANGE, PALE, new_figure, plain_axes, residue_axis, say_empty
from .judgement import judged

_BAND = (0.1, 0.9)  # quantiles over frames that a band shows; chosen: by hand
_MOST_FRAMES = 100  # in which clashes are looked for; chosen: by hand
_NEAR = 8.0  # angstrom between C-alphas that are shown as near; chosen: by hand


def residue_errors(judgement):
    """
    Error of each residue along the chain, or its faults where there is no reference, with faults by kind below.

    Parameters
    ----------
    judgement : Judgement or AtomGroup

    Returns
    -------
    matplotlib.figure.Figure
    """
    judgement = judged(judgement)
    kinds = [name for name, counts in judgement.faults.items() if counts.any()]
    figure = new_figure((10, 3.6 + 0.28 * max(2, len(kinds))))
    ratios = [3.0, 0.32 * max(3, len(kinds))]
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=ratios)
    number = np.arange(len(judgement.types))
    heights, label = judgement.errors, "RMSD of the residue, A"
    if heights is None:
        heights, label = sum(judgement.faults.values()).mean(0), "faults a frame"
    upper.bar(number, heights, width=0.9 if len(number) < 200 else 1.0, color=BLUE)
    upper.set(ylabel=label, ylim=(0, max(1e-3, 1.05 * float(np.max(heights)))))
    plain_axes(upper)
    if kinds:
        shares = np.array([(judgement.faults[name] > 0).mean(0) for name in kinds])
        image = lower.imshow(shares, aspect="auto", cmap="Reds", vmin=0, vmax=1, interpolation="nearest")
        figure.colorbar(image, ax=lower, label="share of frames", fraction=0.02, pad=0.01)
    else:
        say_empty(lower, "no residue has a fault")
    lower.set(yticks=range(len(kinds)), yticklabels=[FAULTS[name] for name in kinds], xlabel="residue")
    residue_axis(lower, judgement.labels, judgement.generated.ends)
    return figure


def uncertainty_along_chain(spread, labels=None, *, errors=None, ends=None, title=""):
    """
    Spread of samples along the chain, and true errors beside it where they are known.

    Parameters
    ----------
    spread : ndarray of float, shape (F, R) or (R,)
        As of ``results.spread``: RMS distance of a residue's atoms from their means over samples.
    labels : sequence of str, length R, optional
        Of residues; else they are numbered from 0.
    errors : ndarray of float, shape (R,), optional
        As of ``Judgement.errors``.
    ends : ndarray of bool, shape (R,), optional
        Last residue of each unbroken stretch.
    title : str

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are not as many labels as residues.

    Examples
    --------
    >>> uncertainty_along_chain(np.random.default_rng(0).random((3, 9))).axes[0].get_ylabel()
    'spread of the samples, A'
    """
    return _along(spread, labels, "spread of the samples, A", ends, title, errors)


def displacement_along_chain(displacements, labels=None, *, ends=None, title=""):
    """
    How far beads were moved off their places, along the chain.

    Parameters
    ----------
    displacements : ndarray of float, shape (F, N) or (N,)
        As of ``results.displacements``.
    labels : sequence of str, length N, optional
    ends : ndarray of bool, shape (N,), optional
    title : str

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are not as many labels as beads.

    Examples
    --------
    >>> displacement_along_chain(np.zeros((3, 9))).axes[0].get_ylabel()
    'displacement of the bead, A'
    """
    return _along(displacements, labels, "displacement of the bead, A", ends, title)


def _along(values, labels, what, ends, title, errors=None):
    """RMS over frames (F, R) as a line, with a band of quantiles where there are several."""
    values = np.atleast_2d(np.asarray(values, dtype=float))
    if labels is not None and len(labels) != values.shape[1]:
        raise ValueError(f"{len(labels)} labels for {values.shape[1]} values along the chain: expected equal numbers")
    known = np.isfinite(values)
    square = np.where(known, values, 0.0) ** 2
    with np.errstate(invalid="ignore"):
        rms = np.sqrt(square.sum(0) / known.sum(0))
    figure = new_figure((10, 3.2))
    axes = figure.subplots()
    number = np.arange(values.shape[1])
    some = known.any(0)
    if len(values) > 1 and some.any():
        low, high = np.full((2, len(number)), np.nan)
        low[some], high[some] = np.nanquantile(values[:, some], _BAND, axis=0)
        label = "{:.0%} to {:.0%} of frames".format(*_BAND)
        axes.fill_between(number, low, high, color=PALE, alpha=0.5, linewidth=0, step="mid", label=label)
    label = f"RMS over {len(values)} frames" if len(values) > 1 else what
    axes.step(number, rms, where="mid", color=BLUE, linewidth=1.4, label=label)
    if errors is not None:
        axes.step(number, errors, where="mid", color=ORANGE, linewidth=1.2, label="true error")
    both = what if errors is None else "spread and error, A"
    axes.set(ylabel=both, xlabel="residue", ylim=(0, None), title=title)
    plain_axes(axes)
    residue_axis(axes, np.arange(len(number)).astype(str) if labels is None else labels, ends)
    if not some.any():
        say_empty(axes, "nothing is known of any of them")
    if len(values) > 1 or errors is not None:
        axes.legend(frameon=False, ncols=3, fontsize=9, loc="lower right", bbox_to_anchor=(1, 1))
    return figure


def clash_map(judgement):
    """
    Which residues clash with each other, above the diagonal; below it, which C-alphas are near each other.

    Parameters
    ----------
    judgement : Judgement or AtomGroup

    Returns
    -------
    matplotlib.figure.Figure
    """
    judgement = judged(judgement)
    chain = judgement.generated
    shown = np.unique(np.linspace(0, len(chain.positions) - 1, _MOST_FRAMES).astype(int))
    share, first, second = clashing_residues(chain, shown)
    figure = new_figure((6.4, 5.6))
    axes = figure.subplots()
    beads = chain.beads[shown[0]]
    distances = np.linalg.norm(beads[:, None] - beads[None], axis=-1)
    row, column = np.nonzero(np.tril(distances < _NEAR, -3))
    size = np.clip(40_000 / max(1, len(chain.types)) ** 1.5, 2, 60)
    axes.scatter(column, row, s=0.5 * size, color="#cfcfcf", marker="s", linewidths=0)
    drawn = axes.scatter(second, first, c=share, s=size, cmap="inferno_r", vmin=0, vmax=1, marker="s", linewidths=0)
    axes.plot([0, len(chain.types)], [0, len(chain.types)], color=GREY, linewidth=0.6)
    figure.colorbar(drawn, ax=axes, label="share of structures with the clash", shrink=0.8)
    what = f"{len(first)} pairs of residues clash in {len(shown)} structures" if len(first) else "no clashes"
    axes.set_title(f"{what}\ngrey: C-alphas within {_NEAR:g} A in the first structure", fontsize=10)
    residue_axis(axes, judgement.labels, chain.ends)
    axes.set_yticks(axes.get_xticks(), [label.get_text() for label in axes.get_xticklabels()])
    axes.set(xlabel="residue", ylabel="residue", aspect="equal", ylim=(len(chain.types) - 0.5, -0.5))
    return figure


def clashing_residues(chain, frames):
    """
    Pairs of residues that clash, those within one residue included.

    Parameters
    ----------
    chain : Chain
        With hydrogens, clashes are those of all atoms.
    frames : sequence of int
        In which they are looked for.

    Returns
    -------
    share : ndarray of float, shape (p,)
        Of these frames.
    first, second : ndarray of int, shape (p,)
    """
    there = chain.hydrogens is not None
    measure = Measure(*chain.known, chain.hydrogens.parents if there else None, chain.rings)
    boxes = None if chain.boxes is None else chain.boxes[frames]
    measured = measure(chain.positions[frames], chain.hydrogens.positions[frames] if there else None, boxes)
    n, found = len(chain.types), []
    for pairs in measured.all_clashes if there else measured.clashes:
        residues = np.sort(measure.residue_of_atom[pairs], axis=1)
        found.append(np.unique(residues[:, 0] * n + residues[:, 1]))
    keys, counts = np.unique(np.concatenate(found), return_counts=True)
    return counts / len(frames), keys // n, keys % n
