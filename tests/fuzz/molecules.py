"""
Molecules to write into files: chains of beads or atoms with sound or odd names, numbers, positions and boxes.

Lengths in angstrom.
"""

import functools
from dataclasses import dataclass, field

import MDAnalysis as mda
import numpy as np

from mdbackmap.datafiles import GO_PDB, GO_XTC, TRPCAGE_PDB, TRPCAGE_XTC

STANDARD = "ALA ARG ASN ASP CYS GLN GLU GLY HIS ILE LEU LYS MET PHE PRO SER THR TRP TYR VAL".split()
VARIANTS = "MSE HSD HSE HIE HID HISE CYX CYSH ASH GLH LYN NMET CGLY LYP".split()
ODD_RESIDUES = ["XYZ", "UNK", "LIG", "A", "G", "ala", "", "HOH", "DA", "Ä", "0", "ALAX", "*", "ACE", "NH2", "CA"]
ODD_NAMES = ["ca", "C", "CB", "BB", "B1", "", "CA1", "H", "N", "Ä", "P", "1", "CALPHA", "A", "*"]
ODD_ELEMENTS = ["", "C", "Ca", "CA", "X", "N", "?", "H"]
ODD_NUMBERS = ["****", "A000", "-5", "0", "9999", "10000", "", "1A", "2.5"]


@dataclass
class Atom:
    """One line of a file; everything as text, so that it may be odd."""

    name: str = "CA"
    resname: str = "ALA"
    resid: str = "1"
    chain: str = "A"
    icode: str = " "
    altloc: str = " "
    element: str = "C"
    record: str = "ATOM"


@dataclass
class Molecule:
    """
    What is written into files.

    Attributes
    ----------
    atoms : list of Atom
    positions : (F, n, 3) float array
    boxes : (F, 6) float array or None
    bonds : list of pairs of int
    n_residues : int or None
        How many residues a reader must find; None where the molecule is odd.
    """

    atoms: list
    positions: np.ndarray
    boxes: np.ndarray | None = None
    bonds: list = field(default_factory=list)
    n_residues: int | None = None

    def take(self, order):
        """Keep these atoms, in this order."""
        place = {int(old): new for new, old in enumerate(order)}
        self.atoms = [self.atoms[i] for i in order]
        self.positions = self.positions[:, order]
        self.bonds = [(place[i], place[j]) for i, j in self.bonds if i in place and j in place]


@functools.cache
def _traces():
    go, cage = mda.Universe(GO_PDB, GO_XTC), mda.Universe(TRPCAGE_PDB, TRPCAGE_XTC)
    ca = cage.select_atoms("name CA")
    return [
        np.stack([ts.positions.copy() for ts in go.trajectory[::10]]),
        np.stack([ca.positions for _ in cage.trajectory[::8]]),
    ]


@functools.cache
def _cage():
    u = mda.Universe(TRPCAGE_PDB, TRPCAGE_XTC)
    return u, np.stack([ts.positions.copy() for ts in u.trajectory[::8]])


def chance(rng, share):
    """True in this share of calls."""
    return rng.random() < share


def pick(rng, values):
    """One of the values."""
    return values[int(rng.integers(len(values)))]


def beads(rng) -> Molecule:
    """A coarse molecule: mostly C-alpha beads of one to three chains."""
    n_frames = int(pick(rng, [1, 1, 2, 3, 5]))
    atoms, parts = [], []
    for c in range(int(pick(rng, [1, 1, 1, 2, 3]))):
        trace = _trace(rng, n_frames, int(rng.integers(1, 13)))
        parts.append(trace + 40.0 * c)
        first = int(pick(rng, [1, 1, 2, 100]))
        names = [pick(rng, STANDARD) for _ in range(trace.shape[1])]
        atoms += [Atom(resname=name, resid=str(first + i), chain="ABC"[c]) for i, name in enumerate(names)]
    made = Molecule(atoms, np.concatenate(parts, axis=1), n_residues=len(atoms))
    _box(rng, made)
    if chance(rng, 0.2):
        made.bonds = [(i, i + 1) for i in range(len(atoms) - 1) if atoms[i].chain == atoms[i + 1].chain]
    for change in (_names, _numbers, _order, _others, _bonds, _coordinates):
        if chance(rng, 0.12):
            change(rng, made)
            made.n_residues = None
    return made


def protein(rng) -> Molecule:
    """An all-atom molecule: some residues of the Trp cage, sometimes with atoms missing or renamed."""
    u, positions = _cage()
    first = int(rng.integers(0, 17))
    group = u.residues[first : first + int(rng.integers(1, 7))].atoms
    positions = positions[: int(pick(rng, [1, 1, 2, 4])), group.ix]
    atoms = [Atom(a.name, a.resname, str(a.resid), "A", element=a.element or a.name[0]) for a in group]
    made = Molecule(atoms, positions.astype(float), n_residues=len(group.residues))
    _box(rng, made)
    if chance(rng, 0.15):
        made.take(np.sort(rng.permutation(len(atoms))[: max(1, int(0.9 * len(atoms)))]))
        made.n_residues = None
    for change in (_names, _numbers, _order, _others, _bonds, _coordinates):
        if chance(rng, 0.1):
            change(rng, made)
            made.n_residues = None
    return made


def _trace(rng, n_frames, n):
    """(F, n, 3) C-alphas: of simulations, or drawn."""
    kind = rng.random()
    if kind < 0.7:
        source = pick(rng, _traces())
        first = int(rng.integers(0, max(1, source.shape[1] - n)))
        cut = source[:, first : first + n]
        return np.array(cut[np.arange(n_frames) % len(cut)], dtype=float)
    if kind < 0.85:
        steps = rng.normal(size=(n_frames, n, 3))
        return np.cumsum(3.8 * steps / np.linalg.norm(steps, axis=-1, keepdims=True), axis=1)
    i = np.arange(n)
    turn = np.radians(100) * i
    helix = np.stack([2.3 * np.cos(turn), 2.3 * np.sin(turn), 1.5 * i], axis=1)
    straight = np.stack([3.8 * i, 0 * i, 0 * i], axis=1)
    base = helix if kind < 0.93 else straight
    return base + pick(rng, [0.0, 0.01, 0.3]) * rng.normal(size=(n_frames, n, 3))


def _box(rng, made):
    """Half of all molecules have a box, some of them an odd one."""
    n_frames = len(made.positions)
    if chance(rng, 0.5):
        return
    sound = [[90, 90, 90, 90, 90, 90], [60, 60, 60, 60, 60, 90], [200, 100, 150, 90, 90, 90]]
    odd = [
        [0] * 6,
        [90, 90, 90, 0, 0, 0],
        [5, 5, 5, 90, 90, 90],
        [90, 90, 90, 170, 90, 90],
        [np.nan] * 6,
        [-50, 50, 50, 90, 90, 90],
        [1e9, 1e9, 1e9, 90, 90, 90],
    ]
    is_odd = chance(rng, 0.15)
    box = np.array(pick(rng, odd if is_odd else sound), dtype=float)
    made.boxes = np.tile(box, (n_frames, 1))
    if is_odd:
        made.n_residues = None
    elif chance(rng, 0.3):
        made.positions = made.positions % (box[:3] if box[3] == 90 else 1e6)


def _names(rng, made):
    for _ in range(int(pick(rng, [1, 1, 3, len(made.atoms)]))):
        atom = pick(rng, made.atoms)
        what = pick(rng, ["name", "resname", "resname", "variant", "element", "chain", "record"])
        if what == "variant":
            atom.resname = pick(rng, VARIANTS)
        else:
            values = {"name": ODD_NAMES, "resname": ODD_RESIDUES, "element": ODD_ELEMENTS}
            values |= {"chain": ["", "Ä", "AB", "Z"], "record": ["HETATM"]}
            setattr(atom, what, pick(rng, values[what]))


def _numbers(rng, made):
    kind = pick(rng, ["odd", "same", "reversed", "codes", "altlocs", "huge"])
    for i, atom in enumerate(made.atoms):
        if kind == "odd" and chance(rng, 0.3):
            atom.resid = pick(rng, ODD_NUMBERS)
        elif kind == "same":
            atom.resid = "1"
        elif kind == "reversed":
            atom.resid = str(len(made.atoms) - i)
        elif kind == "codes":
            atom.resid, atom.icode = "7", " ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i % 27]
        elif kind == "altlocs":
            atom.altloc = pick(rng, [" ", "A", "B", "1"])
        elif kind == "huge":
            atom.resid = str(99990 + i)


def _order(rng, made):
    order = rng.permutation(len(made.atoms)) if chance(rng, 0.5) else np.r_[1 : len(made.atoms), 0]
    made.take(order)


def _others(rng, made):
    """Water, ions, ligands, second copies, or nothing but these."""
    kind = pick(rng, ["water", "ion", "ligand", "copy", "only"])
    n = int(rng.integers(1, 5))
    extra = {
        "water": Atom("OW", "SOL", "900", "W", element="O"),
        "ion": Atom("CA", "CA", "901", "I", element="CA", record="HETATM"),
        "ligand": Atom("C1", "LIG", "902", "L", record="HETATM"),
        "only": Atom("W", "W", "1", "W", element=""),
        "copy": made.atoms[0],
    }[kind]
    places = made.positions[:, :1] + 5.0 * rng.normal(size=(1, n, 3))
    if kind == "only":
        made.atoms, made.positions, made.bonds = [], made.positions[:, :0], []
    made.atoms = made.atoms + [Atom(**vars(extra)) for _ in range(n)]
    made.positions = np.concatenate(
        [made.positions, places.repeat(len(made.positions), 0)[: len(made.positions)]], axis=1
    )


def _bonds(rng, made):
    n = len(made.atoms)
    made.bonds = [tuple(int(x) for x in rng.integers(0, n, 2)) for _ in range(int(rng.integers(1, 6)))]


def _coordinates(rng, made):
    """Positions that a damaged or unfinished simulation has."""
    frames = slice(None) if chance(rng, 0.5) else int(rng.integers(len(made.positions)))
    atom = int(rng.integers(len(made.atoms)))
    made.positions = made.positions.copy()
    kind = pick(rng, ["nan", "inf", "zero", "same", "far", "further", "one", "nm", "mirror", "blown", "shift"])
    if kind in ("nan", "inf", "one"):
        made.positions[frames, atom] = {"nan": np.nan, "inf": np.inf, "one": pick(rng, [1e8, 1e30, 1e5])}[kind]
    elif kind in ("zero", "same"):
        made.positions[frames] = 0.0 if kind == "zero" else 12.3
    elif kind in ("far", "further", "shift"):
        made.positions[frames] += {"far": 1e5, "further": 1e7, "shift": -37.7}[kind]
    elif kind in ("nm", "blown"):
        made.positions[frames] *= pick(rng, [0.1, 10.0]) if kind == "nm" else 1e4
    else:
        made.positions[frames] *= [1, 1, -1]
