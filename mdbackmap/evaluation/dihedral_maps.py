"""
Maps of phi and psi: MD beside samples.

Matplotlib is loaded when a picture is drawn. Angles are shown in degrees.
"""

import numpy as np

from .peptide_torsions import BINS


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
    from matplotlib.figure import Figure

    edges = np.linspace(-180, 180, BINS + 1)
    maps = {}
    for name, pairs in angles.items():
        count = np.histogram2d(*np.degrees(pairs).T, bins=[edges, edges])[0]
        maps[name] = count / max(count.sum(), 1)
    least = min((x[x > 0].min() for x in maps.values() if (x > 0).any()), default=1e-6)
    norm = LogNorm(least, max(x.max() for x in maps.values()) * 1.0001)
    figure = Figure(figsize=(4.2 * len(maps) + 0.8, 4.2), layout="constrained")
    columns = figure.subplots(1, len(maps), squeeze=False)[0]
    for axes, (name, density) in zip(columns, maps.items(), strict=True):
        shown = axes.pcolormesh(edges, edges, np.where(density > 0, density, np.nan).T, norm=norm, cmap="viridis")
        axes.set(title=f"{name} ({len(angles[name])})", xlabel="phi", ylabel="psi", aspect="equal")
        axes.set(xticks=range(-180, 181, 90), yticks=range(-180, 181, 90))
    figure.colorbar(shown, ax=list(columns), label="share", shrink=0.8)
    if title:
        figure.suptitle(title)
    return figure
