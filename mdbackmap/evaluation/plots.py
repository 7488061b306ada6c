"""
Pictures of a judgement, and maps of phi and psi.

Of a judgement: Ramachandran maps on the Top8000 contours, histograms of chi1 and chi2 beside crystals, errors along the
chain, and which residues clash. Matplotlib is loaded when a picture is drawn. Angles are shown in degrees.
"""

from pathlib import Path

import numpy as np

from ..data.known import spread as spread_out
from ..metrics.dihedrals import CHI_PERIODS, backbone_torsions, side_chain_torsions
from ..metrics.spread import spread_and_error
from ..metrics.top8000 import (
    RAMA_ALLOWED,
    RAMA_FAVOURED,
    RAMA_KINDS,
    ramachandran_kind,
    ramachandran_score,
    rotamer_shares,
)
from .along_chain import clash_map, displacement_along_chain, residue_errors, uncertainty_along_chain
from .figures import BLUE, GREY, ORANGE, PALE, RED, new_figure, plain_axes, save_figure, say_empty
from .judgement import judged
from .peptide_torsions import shares

__all__ = [
    "chi_histograms",
    "clash_map",
    "dihedral_maps",
    "displacement_along_chain",
    "new_figure",
    "ramachandran_map",
    "residue_errors",
    "save_figure",
    "save_plots",
    "spread_figure",
    "spread_of_samples",
    "uncertainty_along_chain",
]

BINS = np.arange(-180, 181, 10)  # degrees
MOST_POINTS = 20_000  # of a Ramachandran map


def save_plots(judgement, folder, stem=None):
    """
    Draw everything there is to draw of one judgement.

    Parameters
    ----------
    judgement : Judgement
    folder : str or Path
        Made if it does not exist.
    stem : str, optional
        NAME in the names of the files (default: that of the judgement).

    Returns
    -------
    list of Path
        ``NAME-ramachandran.png``, ``NAME-chis.png``, ``NAME-residues.png`` and ``NAME-clashes.png``;
        ``NAME-validity.png`` without a reference, ``NAME-spread.png`` with one and three samples and more.

    Examples
    --------
    >>> save_plots(judgement, "plots")  # doctest: +SKIP
    """
    pictures = {
        "ramachandran": ramachandran_map,
        "chis": chi_histograms,
        "residues": residue_errors,
        "clashes": clash_map,
    }
    if judgement.validity is not None:
        pictures["validity"] = lambda judgement: judgement.validity.plot()
    if judgement.reference is not None and judgement.n_samples > 2:
        pictures["spread"] = spread_of_samples
    stem = stem or Path(judgement.name).stem
    return [save_figure(draw(judgement), folder, f"{stem}-{what}.png") for what, draw in pictures.items()]


def ramachandran_map(judgement):
    """
    Phi and psi on those of the six maps that the protein has: favoured and allowed regions, outliers in red.

    Parameters
    ----------
    judgement : Judgement or AtomGroup

    Returns
    -------
    matplotlib.figure.Figure
    """
    judgement = judged(judgement)
    chain = judgement.generated
    phi, psi, omega = backbone_torsions(chain.positions, chain.mask, chain.ends)
    kind = ramachandran_kind(chain.types, chain.ends, np.abs(omega) < 0.5 * np.pi)
    score = ramachandran_score(phi, psi, kind)
    there = np.unique(kind[np.isfinite(score)])
    columns = min(3, max(1, len(there)))
    rows = -(-max(1, len(there)) // columns)
    figure = new_figure((3.5 * columns, 3.6 * rows))
    panels = figure.subplots(rows, columns, squeeze=False).flat
    for axes in list(panels)[max(1, len(there)) :]:
        axes.remove()
    if not len(there):
        say_empty(figure.axes[0], "no residue has both phi and psi")
        return figure
    axis = np.radians(np.arange(-180, 181, 3.0))
    grid = np.meshgrid(axis, axis, indexing="ij")
    for axes, number in zip(figure.axes, there, strict=True):
        contour = ramachandran_score(*grid, np.full(grid[0].shape, number))
        levels = [RAMA_ALLOWED[number], RAMA_FAVOURED]
        axes.contourf(*np.degrees(grid), contour, [*levels, 1.01], colors=["#e6eef3", "#c3d7e3"])
        axes.contour(*np.degrees(grid), contour, levels, colors=[PALE, BLUE], linewidths=0.8)
        these = np.flatnonzero((kind == number) & np.isfinite(score))
        outlier = score.flat[these] < RAMA_ALLOWED[number]
        places = these[~outlier][:: max(1, score.size // MOST_POINTS)]
        axes.scatter(*_degrees(phi, psi, places), s=5, color=GREY, alpha=0.6, linewidths=0)
        axes.scatter(*_degrees(phi, psi, these[outlier]), s=12, color=RED, linewidths=0)
        share = f", {100 * outlier.mean():.1f} % outliers"
        axes.set_title(f"{RAMA_KINDS[number]}: {len(these)}{share}", fontsize=10)
        axes.set(xlim=(-180, 180), ylim=(-180, 180), aspect="equal")
        axes.set(xlabel="phi, degrees", ylabel="psi, degrees", xticks=range(-180, 181, 90), yticks=range(-180, 181, 90))
    return figure


def _degrees(phi, psi, places):
    return np.degrees(np.stack([phi.flat[places], psi.flat[places]]))


def chi_histograms(judgement):
    """
    How chi1 and chi2 are distributed, beside crystals and, where there is one, the reference.

    Crystals are those of Top8000, weighted by the residues of the protein; ARG and LYS, of which it has no grids, are
    left out of all. The chi2 of ASP, PHE and TYR, whose two ends differ by name alone, is shown between -90 and 90
    degrees.

    Parameters
    ----------
    judgement : Judgement or AtomGroup

    Returns
    -------
    matplotlib.figure.Figure
    """
    judgement = judged(judgement)
    figure = new_figure((10, 3.6))
    shown = [(judgement.generated, BLUE, Path(judgement.name).name or "generated")]
    if judgement.reference is not None:
        shown.append((judgement.reference, ORANGE, "reference"))
    for column, axes in enumerate(figure.subplots(1, 2)):
        crystals = np.zeros(len(BINS) - 1)
        for chain, colour, label in shown:
            chi, types = _chis(chain, column)
            weights = np.full(len(chi), 100.0 / max(len(chi), 1))
            axes.hist(chi, BINS, weights=weights, histtype="step", color=colour, linewidth=1.5, label=label)
            if not crystals.any():
                kinds, counts = np.unique(types, return_counts=True)
                crystals = sum(
                    (n * rotamer_shares(k, column, BINS) for k, n in zip(kinds, counts, strict=True)), crystals
                )
        if not crystals.any():
            say_empty(axes, f"no side chain of these has a chi{column + 1} that is known of crystals")
            continue
        axes.stairs(100 * crystals / max(crystals.sum(), 1e-9), BINS, fill=True, color="#dddddd", label="crystals")
        axes.set(xlabel=f"chi{column + 1}, degrees", ylabel="% in 10 degrees", xlim=(-180, 180))
        axes.set_xticks(range(-180, 181, 60))
        plain_axes(axes)
        axes.legend(frameon=False, fontsize=9)
    return figure


def _chis(chain, column):
    """Chi 1 or 2 in degrees, of residues with a grid of Top8000, and the types of these residues."""
    chi = side_chain_torsions(chain.positions, chain.mask, chain.types)[..., column]
    period = CHI_PERIODS[chain.types, column]
    chi = np.degrees((chi + period / 2) % period - period / 2)
    known = np.isfinite(chi) & [rotamer_shares(kind, column, BINS) is not None for kind in chain.types]
    return chi[known], np.broadcast_to(chain.types, chi.shape)[known]


def spread_of_samples(judgement):
    """
    Spread of the samples against errors, residue by residue.

    Parameters
    ----------
    judgement : Judgement
        Against a reference, of three samples and more.

    Returns
    -------
    matplotlib.figure.Figure
    """
    return spread_figure(*spread_and_errors(judgement), judgement.name)


def spread_and_errors(judgement):
    """
    Spread of the other samples and error of each sample, residue by residue.

    Parameters
    ----------
    judgement : Judgement
        Against a reference, of three samples and more.

    Returns
    -------
    spread, error : ndarray of float, shape (F * S, R)
        Angstrom.
    """
    generated, true = judgement.generated.positions, judgement.reference.positions
    mask = judgement.reference.mask & judgement.generated.mask
    groups = zip(generated.reshape(len(true), -1, *generated.shape[1:]), true, strict=True)
    pairs = [spread_and_error(samples, frame[None], mask, judgement.types) for samples, frame in groups]
    return tuple(np.concatenate(parts) for parts in zip(*pairs, strict=True))


def spread_figure(spread, error, title=""):
    """
    Errors by spread: all residues, and the RMS error of each tenth of them.

    Parameters
    ----------
    spread, error : ndarray of float
        Of one shape, angstrom. NaN where they are not known.
    title : str

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> len(spread_figure(np.arange(20.0), np.arange(20.0)).axes)
    1
    """
    spread, error = np.ravel(spread), np.ravel(error)
    known = np.isfinite(spread) & np.isfinite(error)
    spread, error = spread[known], error[known]
    order = np.argsort(spread, kind="stable")
    tenths = [part for part in np.array_split(order, 10) if len(part)]
    figure = new_figure((6, 5))
    axes = figure.subplots()
    if not len(order):
        say_empty(axes, "no residue has a spread and an error")
        return figure
    shown = spread_out(len(order), MOST_POINTS)
    axes.scatter(spread[order[shown]], error[order[shown]], s=3, color=PALE, linewidths=0)
    axes.scatter([], [], s=20, color=PALE, label="residues")
    rms = np.sqrt([[np.mean(values[part] ** 2) for part in tenths] for values in (spread, error)])
    axes.plot(*rms, "o-", color=ORANGE, label="RMS of each tenth")
    largest = float(np.quantile(spread, 0.995)) or 1.0
    axes.plot([0, largest], [0, largest], color=GREY, linewidth=1, label="error = spread")
    axes.set(xlabel="spread of the samples, A", ylabel="error, A", title=title)
    axes.set(xlim=(0, largest), ylim=(0, float(np.quantile(error, 0.995)) or 1.0))
    plain_axes(axes)
    axes.legend(frameon=False)
    return figure


def dihedral_maps(angles, title=""):
    """
    One map a set of angles, on one scale.

    Parameters
    ----------
    angles : dict of str to ndarray, shape (n, 2)
        phi and psi in radians, by the heading of their map.
    title : str

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = dihedral_maps({"MD": np.zeros((5, 2)), "samples": np.zeros((5, 2))})
    >>> len(figure.axes)
    3
    """
    from matplotlib.colors import LogNorm

    maps = {name: shares(pairs, len(BINS) - 1) for name, pairs in angles.items()}
    least = min((x[x > 0].min() for x in maps.values() if (x > 0).any()), default=1e-6)
    largest = max((x.max() for x in maps.values()), default=0.0)
    figure = new_figure((4.2 * max(1, len(maps)) + 0.8, 4.2))
    if not largest:
        say_empty(figure.subplots(), "no angles phi and psi")
        return figure
    norm = LogNorm(least, largest * 1.0001)
    columns = figure.subplots(1, len(maps), squeeze=False)[0]
    for axes, (name, density) in zip(columns, maps.items(), strict=True):
        shown = axes.pcolormesh(BINS, BINS, np.where(density > 0, density, np.nan).T, norm=norm, cmap="viridis")
        axes.set(title=f"{name} ({len(angles[name])})", xlabel="phi, degrees", ylabel="psi, degrees", aspect="equal")
        axes.set(xticks=range(-180, 181, 90), yticks=range(-180, 181, 90))
    figure.colorbar(shown, ax=list(columns), label="share", shrink=0.8)
    if title:
        figure.suptitle(title)
    return figure
