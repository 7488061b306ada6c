"""
Pictures of a judgement, and maps of phi and psi.

Of a judgement: Ramachandran maps on the Top8000 contours, histograms of chi1 and chi2, errors by residue.
Matplotlib is loaded when a picture is drawn. Angles are shown in degrees.
"""

from pathlib import Path

import numpy as np

from ..data.known import spread as spread_out
from ..metrics.dihedrals import CHI_PERIODS, backbone_torsions, side_chain_torsions
from ..metrics.faults import FAULTS
from ..metrics.spread import spread_and_error
from ..metrics.top8000 import RAMA_ALLOWED, RAMA_FAVOURED, RAMA_KINDS, ramachandran_kind, ramachandran_score
from .peptide_torsions import shares

BINS = np.arange(-180, 181, 10)  # degrees
MOST_POINTS = 20_000  # of a Ramachandran map


def save_plots(judgement, folder):
    """
    Draw everything there is to draw of one judgement.

    Parameters
    ----------
    judgement : Judgement
    folder : str or Path
        Made if it does not exist.

    Returns
    -------
    list of Path
        ``NAME-ramachandran.png``, ``NAME-chis.png`` and ``NAME-residues.png``; ``NAME-validity.png`` without a
        reference, ``NAME-spread.png`` with one and three samples and more.

    Examples
    --------
    >>> save_plots(judgement, "plots")  # doctest: +SKIP
    """
    pictures = {"ramachandran": ramachandran_map, "chis": chi_histograms, "residues": residue_errors}
    if judgement.validity is not None:
        pictures["validity"] = lambda judgement: judgement.validity.plot()
    if judgement.reference is not None and judgement.n_samples > 2:
        pictures["spread"] = spread_of_samples
    stem = Path(judgement.name).stem
    return [save_figure(draw(judgement), folder, f"{stem}-{what}.png") for what, draw in pictures.items()]


def save_figure(figure, folder, name):
    """
    Write a picture into a folder, which is made if there is none.

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
    figure.savefig(file, dpi=110)
    return file


def ramachandran_map(judgement):
    """
    Phi and psi on the six maps: lines bound favoured and allowed regions, outliers are red.

    Parameters
    ----------
    judgement : Judgement

    Returns
    -------
    matplotlib.figure.Figure
    """
    chain = judgement.generated
    phi, psi, omega = backbone_torsions(chain.positions, chain.mask, chain.ends)
    kind = ramachandran_kind(chain.types, chain.ends, np.abs(omega) < 0.5 * np.pi)
    score = ramachandran_score(phi, psi, kind)
    figure = new_figure((10.5, 7.2))
    axis = np.radians(np.arange(-180, 181, 3.0))
    grid = np.meshgrid(axis, axis, indexing="ij")
    for number, (axes, name) in enumerate(zip(figure.subplots(2, 3).flat, RAMA_KINDS, strict=True)):
        contour = ramachandran_score(*grid, np.full(grid[0].shape, number))
        levels = [RAMA_ALLOWED[number], RAMA_FAVOURED]
        axes.contour(*np.degrees(grid), contour, levels, colors=["#9ab4c8", "#2f6690"], linewidths=1)
        places = np.flatnonzero((kind == number) & np.isfinite(score))[:: max(1, score.size // MOST_POINTS)]
        outlier = score.flat[places] < RAMA_ALLOWED[number]
        points = np.degrees(np.stack([phi.flat[places], psi.flat[places]]))
        axes.scatter(*points[:, ~outlier], s=4, color="#333333", linewidths=0)
        axes.scatter(*points[:, outlier], s=8, color="#d8302a", linewidths=0)
        axes.set(title=f"{name} ({len(places)}, {outlier.sum()} out)", xlim=(-180, 180), ylim=(-180, 180))
        axes.set(xlabel="phi", ylabel="psi", xticks=range(-180, 181, 90), yticks=range(-180, 181, 90))
    figure.suptitle(f"{judgement.name}: Ramachandran, Top8000")
    return figure


def chi_histograms(judgement):
    """
    How chi1 and chi2 are distributed, beside the reference's where there is one.

    The chi2 of ASP, PHE and TYR, whose two ends differ by name alone, is shown between -90 and 90 degrees.

    Parameters
    ----------
    judgement : Judgement

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = new_figure((9, 3.6))
    shown = [(judgement.generated, "#2f6690", judgement.name)]
    if judgement.reference is not None:
        shown.append((judgement.reference, "#c9682f", "reference"))
    for column, axes in enumerate(figure.subplots(1, 2)):
        for chain, colour, label in shown:
            chi = side_chain_torsions(chain.positions, chain.mask, chain.types)[..., column]
            period = CHI_PERIODS[chain.types, column]
            chi = np.degrees((chi + period / 2) % period - period / 2)
            chi = chi[np.isfinite(chi)]
            weights = np.full(len(chi), 100.0 / max(len(chi), 1))
            axes.hist(chi, BINS, weights=weights, histtype="step", color=colour, label=label)
        axes.set(xlabel=f"chi{column + 1}", ylabel="% in 10 degrees", xlim=(-180, 180), xticks=range(-180, 181, 60))
    axes.legend(frameon=False)
    return figure


def residue_errors(judgement):
    """
    Error of each residue along the sequence, with its faults by kind below.

    Parameters
    ----------
    judgement : Judgement

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = new_figure((10, 5.5))
    upper, lower = figure.subplots(2, 1, sharex=True)
    number = np.arange(len(judgement.types))
    heights, label = judgement.errors, "RMSD of the residue, A"
    if heights is None:
        heights, label = sum(judgement.faults.values()).mean(0), "faults a frame"
    upper.bar(number, heights, width=1.0, color="#2f6690")
    upper.set(ylabel=label, title=judgement.name)
    shares = np.array([(counts > 0).mean(0) for counts in judgement.faults.values()])
    lower.imshow(shares, aspect="auto", cmap="Reds", vmin=0, vmax=1, interpolation="nearest")
    lower.set(yticks=range(len(shares)), yticklabels=[FAULTS[name] for name in judgement.faults], xlabel="residue")
    ticks = spread_out(len(number), 8)
    lower.set_xticks(ticks, judgement.labels[ticks])
    return figure


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
    generated, true = judgement.generated.positions, judgement.reference.positions
    mask = judgement.reference.mask & judgement.generated.mask
    groups = zip(generated.reshape(len(true), -1, *generated.shape[1:]), true, strict=True)
    pairs = [spread_and_error(samples, frame[None], mask, judgement.types) for samples, frame in groups]
    return spread_figure(*(np.concatenate(parts) for parts in zip(*pairs, strict=True)), judgement.name)


def spread_figure(spread, error, title=""):
    """
    Errors by spread: all residues, and the RMS error of each tenth of them.

    Parameters
    ----------
    spread, error : ndarray of float
        Of one shape, angstrom.
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
    order = np.argsort(spread, kind="stable")
    tenths = [part for part in np.array_split(order, 10) if len(part)]
    figure = new_figure((6, 5))
    axes = figure.subplots()
    shown = spread_out(len(order), MOST_POINTS)
    axes.scatter(spread[order[shown]], error[order[shown]], s=3, color="#9ab4c8", linewidths=0, label="residues")
    rms = np.sqrt([[np.mean(values[part] ** 2) for part in tenths] for values in (spread, error)])
    axes.plot(*rms, "o-", color="#c9682f", label="RMS of each tenth")
    largest = float(np.quantile(spread, 0.995)) or 1.0
    axes.plot([0, largest], [0, largest], color="#333333", linewidth=1, label="error = spread")
    axes.set(xlabel="spread of the samples, A", ylabel="error, A", title=title)
    axes.set(xlim=(0, largest), ylim=(0, float(np.quantile(error, 0.995)) or 1.0))
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
    norm = LogNorm(least, max(x.max() for x in maps.values()) * 1.0001)
    figure = new_figure((4.2 * len(maps) + 0.8, 4.2))
    columns = figure.subplots(1, len(maps), squeeze=False)[0]
    for axes, (name, density) in zip(columns, maps.items(), strict=True):
        shown = axes.pcolormesh(BINS, BINS, np.where(density > 0, density, np.nan).T, norm=norm, cmap="viridis")
        axes.set(title=f"{name} ({len(angles[name])})", xlabel="phi", ylabel="psi", aspect="equal")
        axes.set(xticks=range(-180, 181, 90), yticks=range(-180, 181, 90))
    figure.colorbar(shown, ax=list(columns), label="share", shrink=0.8)
    if title:
        figure.suptitle(title)
    return figure


def new_figure(size):
    """An empty figure of a size in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained")
