"""
A molecule to turn with the mouse, in a notebook: atoms as sticks, beads as pale balls, by py3Dmol or nglview.

Both packages are optional (``pip install "mdbackmap[view]"`` brings py3Dmol), and loaded when something is shown.
Lengths are in angstrom.
"""

import importlib
import tempfile
import warnings
from pathlib import Path

import numpy as np

_SIZE = (640, 420)  # pixels; chosen: by hand
_STICK = 0.14  # angstrom, radius; chosen: by hand
_BEAD = {"radius": 1.2, "color": "orange", "opacity": 0.55}  # angstrom, colour, 0 to 1; chosen: by hand


def view(atoms, beads=None, otherwise=None):
    """
    Show the current frame of some atoms, and beads in it, so that it can be turned.

    Of py3Dmol and nglview the first one that is installed is taken.

    Parameters
    ----------
    atoms : AtomGroup or Universe
        Such as those of `mdbackmap.backmap`.
    beads : AtomGroup, Universe or ndarray of float, shape (N, 3), optional
        Positions of beads, in angstrom.
    otherwise : object, optional
        What is returned where neither package is installed, such as a picture by
        `mdbackmap.evaluation.picture.beads_and_atoms`.

    Returns
    -------
    py3Dmol.view, nglview.NGLWidget or `otherwise`
        A notebook shows it where it is the last thing in a cell.

    Raises
    ------
    ImportError
        Neither package is installed, and there is nothing else to show.
    ValueError
        Beads that are no (N, 3) positions.

    Examples
    --------
    >>> view(u.atoms, cg.atoms, otherwise=figure)  # doctest: +SKIP
    """
    atoms = getattr(atoms, "atoms", atoms)
    beads = None if beads is None else np.asarray(getattr(getattr(beads, "atoms", beads), "positions", beads), float)
    if beads is not None and (beads.ndim != 2 or beads.shape[1] != 3):
        raise ValueError(f"expected positions of beads, shape (N, 3), not {beads.shape}")
    for name, show in (("py3Dmol", _by_py3dmol), ("nglview", _by_nglview)):
        try:
            package = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
        else:
            return show(package, _pdb(atoms), beads)
    if otherwise is None:
        raise ImportError(
            'neither py3Dmol nor nglview is installed: pip install "mdbackmap[view]", or give a picture as otherwise='
        )
    return otherwise


def _pdb(atoms):
    """The atoms as the text of a PDB file; MDAnalysis writes it, and what it fills in is no matter here."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = Path(folder, "atoms.pdb")
        atoms.write(str(file), bonds=None)
        return file.read_text()


def _xyz(beads):
    """Beads (N, 3) as the text of an XYZ file."""
    return f"{len(beads)}\nbeads\n" + "".join(f"C {x:.3f} {y:.3f} {z:.3f}\n" for x, y, z in beads)


def _by_py3dmol(py3dmol, pdb, beads):
    shown = py3dmol.view(width=_SIZE[0], height=_SIZE[1])
    shown.addModel(pdb, "pdb", {"keepH": True})
    shown.setStyle({"stick": {"radius": _STICK}})
    if beads is not None:
        shown.addModel(_xyz(beads), "xyz")
        shown.setStyle({"model": 1}, {"sphere": _BEAD})
    shown.zoomTo()
    return shown


def _by_nglview(nglview, pdb, beads):
    shown = nglview.NGLWidget(width=f"{_SIZE[0]}px", height=f"{_SIZE[1]}px")
    sticks = shown.add_component(nglview.TextStructure(pdb, ext="pdb"), default_representation=False)
    sticks.add_representation("licorice", radius=_STICK)
    if beads is not None:
        balls = shown.add_component(nglview.TextStructure(_xyz(beads), ext="xyz"), default_representation=False)
        balls.add_representation("spacefill", **_BEAD)
    shown.center()
    return shown
