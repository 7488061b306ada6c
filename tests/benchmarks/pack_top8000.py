"""
The Top8000 contour grids as `mdbackmap.metrics.top8000` reads them, out of the Richardson laboratory's text files.

    python tests/benchmarks/pack_top8000.py reference/top8000 mdbackmap/metrics/top8000.npz
"""

import sys
from pathlib import Path

import numpy as np

from mdbackmap.metrics.top8000 import RAMA_KINDS, ROTAMER_GRIDS

_RAMA_NAMES = "general-noGPIVpreP", "gly-sym", "ileval-nopreP", "prepro-noGP", "transpro", "cispro"
_RAMA_FILES = dict(zip(RAMA_KINDS, _RAMA_NAMES, strict=True))


def read_grid(filename):
    """
    Read one contour grid in the Richardson laboratory's text format.

    Parameters
    ----------
    filename : str or Path

    Returns
    -------
    ndarray of float32, shape (bins, ...)
        One axis a torsion; axis k runs over one period, which starts at 0 or -180 degrees. Bins that the
        file leaves out are 0.
    bounds : ndarray of float, shape (dimensions, 2)
        Lower and upper bound of each axis, degrees.

    Raises
    ------
    ValueError
        If the file has no header of dimensions.
    """
    lines = Path(filename).read_text().splitlines()
    axes = [line.split(":")[1].split() for line in lines if line.startswith("#   x")]
    if not axes:
        raise ValueError(f"{filename} is not a Top8000 grid: expected header lines '#   x1: lower upper bins wrapping'")
    bounds = np.array([[float(lower), float(upper)] for lower, upper, *_ in axes])
    bins = np.array([int(axis[2]) for axis in axes])
    table = np.array([line.split() for line in lines if line and not line.startswith("#")], dtype=float)
    width = (bounds[:, 1] - bounds[:, 0]) / bins
    index = np.floor((table[:, :-1] - bounds[:, 0]) / width).astype(int)
    grid = np.zeros(bins, dtype=np.float32)
    grid[tuple(index.T)] = table[:, -1]
    return grid, bounds


def build(folder, filename):
    """
    Pack the text grids into the file that ships with the package.

    Parameters
    ----------
    folder : str or Path
        Holds ``Top8000_ramachandran_pct_contour_grids`` and ``Top8000_rotamer_pct_contour_grids``.
    filename : str or Path
        The ``.npz`` to write.
    """
    folder = Path(folder)
    rama, rotamer = folder / "Top8000_ramachandran_pct_contour_grids", folder / "Top8000_rotamer_pct_contour_grids"
    files = {kind: rama / f"rama8000-{name}.data" for kind, name in _RAMA_FILES.items()}
    files |= {name: rotamer / f"rota8000-{name}.data" for name in sorted(set(ROTAMER_GRIDS.values()))}
    packed = {}
    for name, path in files.items():
        grid, bounds = read_grid(path)
        packed[name] = grid.astype(np.float16)
        packed[f"{name} bounds"] = bounds.astype(np.float32)
    np.savez_compressed(filename, **packed)


if __name__ == "__main__":
    build(*sys.argv[1:])
