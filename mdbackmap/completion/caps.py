"""
Caps of chains: which there are, their residues in the topology, and where their heavy atoms are.

A cap has one torsion that the chain leaves open. Of some values that proteins have the one is taken at which the cap
overlaps least with all else.

Shapes: F frames, A atoms, R residues, C caps, K torsions, X atoms of other molecules. Lengths in angstrom.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..chemistry import terminal_caps as chemistry
from ..chemistry.modified_residues import BLOCKED
from ..molecule.boxes import nearest_images
from ..molecule.nearby import near
from ..molecule.topology import Topology

_BACKBONE = ("N", "CA", "C", "O", "CB")  # of the residue that a cap is bonded to: nearer than others by bonds


def wanted(fine, caps) -> np.ndarray:
    """
    Which caps residues get.

    Parameters
    ----------
    fine : Topology
    caps : bool or None
        None for those that the input has.

    Returns
    -------
    ndarray of str, shape (R, 2)
        Before and behind each residue; "" for none.
    """
    said = np.array([[chemistry.SAME.get(name, name) for name in pair] for pair in fine.caps.tolist()], dtype="U4")
    said = said.reshape(-1, 2)
    known = np.isin(said, list(chemistry.ATOMS))
    usual = np.array([chemistry.BEFORE, chemistry.BEHIND]) if caps else np.array(["", ""], dtype="U4")
    found = np.where(known, said, usual)
    open_ends = fine.open_ends & ~np.stack([np.isin(fine.variants, BLOCKED), np.zeros_like(fine.ends)], axis=1)
    return np.where(open_ends & ((fine.types >= 0) & ~fine.hetero)[:, None] & (caps is not False), found, "")


@dataclass(frozen=True, eq=False)
class Caps:
    """
    The caps of a molecule.

    Attributes
    ----------
    topology : Topology
        Of their residues, heavy atoms alone.
    before : ndarray of int64, shape (C,)
        Residues that they come before.
    bonds : ndarray of int64, shape (C, 2)
        Of an atom of the chain and one of theirs.
    sites : list of _Site
    """

    topology: Topology
    before: np.ndarray
    bonds: np.ndarray
    sites: list

    @classmethod
    def of(cls, fine, names, fixed=()):
        """
        Those of some residues.

        Parameters
        ----------
        fine : Topology
            As models make it.
        names : ndarray of str, shape (R, 2)
            See `wanted`.
        fixed : sequence of int
            Atoms that stay where they are.

        Returns
        -------
        Caps or None
            None without any.
        """
        taken = set(zip(fine.chainIDs, fine.resids.tolist(), fine.icodes, strict=True))
        sites, numbers = [], []
        for residue, side in np.argwhere(names != "").tolist():
            sites.append(_Site.of(fine, residue, str(names[residue, side]), fixed))
            numbers.append(_number(fine, residue, side, taken))
        if not sites:
            return None
        topology, first = _topology(fine, sites, numbers)
        behind = np.array([site.behind for site in sites])
        joined = [chemistry.ATOMS[site.name].index("N" if site.behind else "C") for site in sites]
        own = [site.rows["C" if site.behind else "N"] for site in sites]
        before = np.array([site.residue for site in sites]) + behind
        return cls(topology, before, np.stack([own, first + joined], axis=1), sites)

    def place(self, atoms, still=(), around=None, boxes=None):
        """
        Heavy atoms of caps.

        Parameters
        ----------
        atoms : ndarray of float, shape (F, A, 3)
            Of the chains. Oxygens that turn with caps are changed in place.
        still : sequence of int
            Atoms that stay.
        around : ndarray of float, shape (F, X, 3), optional
        boxes : ndarray of float, shape (F, 3, 3), optional
            Box vectors as rows.

        Returns
        -------
        ndarray of float, shape (F, c, 3)
        """
        candidates = [
            site.candidates(atoms, site.turns and not np.isin(site.rows["O"], still).any()) for site in self.sites
        ]
        none = atoms[:, :0] if around is None else around
        out = np.zeros((len(atoms), self.topology.n_atoms, 3), dtype=atoms.dtype)
        for frame, (here, others) in enumerate(zip(atoms, none, strict=True)):
            box = None if boxes is None else boxes[frame]
            chosen = self._chosen([places[frame] for places in candidates], np.concatenate([here, others]), box)
            own = [len(chemistry.ATOMS[site.name]) for site in self.sites]
            out[frame] = np.concatenate([places[:n] for places, n in zip(chosen, own, strict=True)])
            for site, places, n in zip(self.sites, chosen, own, strict=True):
                if len(places) > n:  # the oxygen has turned
                    here[site.rows["O"]] = places[-1]
        return out

    def _chosen(self, candidates, others, box):
        """Of each cap's candidates (K, n, 3) those that overlap least with others (m, 3) and the caps before them."""
        chosen, placed = [], np.zeros((0, 3))
        for site, places in zip(self.sites, candidates, strict=True):
            flat = places.reshape(-1, 3)
            pairs, apart = near(flat, others, chemistry.TOUCH, box)
            counts = ~np.isin(pairs[:, 1], site.near)
            cost = np.bincount(pairs[counts, 0], (chemistry.TOUCH - apart[counts]) ** 2, len(flat))
            gaps = placed - flat[:, None]
            gaps = np.linalg.norm(gaps if box is None else nearest_images(gaps, box), axis=-1)
            cost = cost + (np.clip(chemistry.TOUCH - gaps, 0, None) ** 2).sum(1)
            best = places[cost.reshape(places.shape[:2]).sum(1).round(6).argmin()]  # of equal ones the first
            chosen.append(best)
            placed = np.concatenate([placed, best])
        return chosen


@dataclass(frozen=True, eq=False)
class _Site:
    """
    Where a cap is.

    Attributes
    ----------
    residue : int
        Of the chain.
    name : str
        Of the cap.
    behind : bool
        Whether it is behind the residue.
    rows : dict of str to int
        Atoms of the residue.
    turns : bool
        Whether the oxygen of the residue turns with the cap.
    near : ndarray of int64
        Atoms that are near by bonds.
    proline : bool
    """

    residue: int
    name: str
    behind: bool
    rows: dict
    turns: bool
    near: np.ndarray
    proline: bool

    @classmethod
    def of(cls, fine, residue, name, fixed):
        first, stop = np.searchsorted(fine.residue_of_atom, [residue, residue + 1])
        rows = {str(fine.names[k]): k for k in range(first, stop)}
        behind, proline = name != chemistry.BEFORE, bool(fine.resnames[residue] == "PRO")
        close = [rows[x] for x in (*_BACKBONE, *["CD"] * proline) if x in rows]
        turns = behind and not np.isin(rows["O"], fixed).any()
        return cls(residue, name, behind, rows, turns, np.array(close), proline)

    def candidates(self, atoms, turns):
        """Places (F, K, n, 3) of the cap's heavy atoms, and of the oxygen behind them if it `turns`."""
        n, ca, c, o = (atoms[:, self.rows[name], None].astype(np.float64) for name in ("N", "CA", "C", "O"))
        if not self.behind:
            phi = np.array(chemistry.PHI[:1] if self.proline else chemistry.PHI)
            carbon = placed(c, ca, n, chemistry.C_N, chemistry.C_N_CA, phi)
            methyl = placed(ca, n, carbon, chemistry.C_CH3, chemistry.N_C_CH3, chemistry.TRANS)
            return np.stack([methyl, carbon, placed(ca, n, carbon, chemistry.C_O, chemistry.N_C_O, 0.0)], axis=2)
        psi = np.array(chemistry.PSI) if turns else torsion(n, ca, c, o) + chemistry.TRANS
        nitrogen = placed(n, ca, c, chemistry.C_N, chemistry.CA_C_N, psi)
        more = [placed(ca, c, nitrogen, chemistry.N_CH3, chemistry.C_N_CH3, chemistry.TRANS)] * (
            self.name == chemistry.BEHIND
        )
        more += [placed(n, ca, c, chemistry.C_O, chemistry.CA_C_O, psi + chemistry.TRANS)] * turns
        return np.stack([nitrogen, *more], axis=2)


def _topology(fine, sites, numbers):
    """Residues of caps, and the first atom of each."""
    owner, kinds = np.array([site.residue for site in sites]), [site.name for site in sites]
    atoms = [chemistry.ATOMS[kind] for kind in kinds]
    sizes = np.array([len(own) for own in atoms])
    first, flat = np.cumsum(sizes) - sizes, [name for own in atoms for name in own]
    bonds = [
        [k + own.index(name) for name in pair]
        for k, own, kind in zip(first, atoms, kinds, strict=True)
        for pair in chemistry.BONDS[kind]
    ]
    topology = Topology(
        names=flat,
        elements=[name[0] for name in flat],
        residue_of_atom=np.repeat(np.arange(len(kinds)), sizes),
        resnames=kinds,
        resids=[number for number, _ in numbers],
        icodes=[icode for _, icode in numbers],
        chainIDs=fine.chainIDs[owner],
        segids=fine.segids[owner],
        ends=[site.behind for site in sites],
        bonds=bonds,
    )
    return topology, first


def _number(fine, residue, side, taken):
    """The number of a cap: that before or behind its residue's; an insertion code tells it from others."""
    chain, number = fine.chainIDs[residue], int(fine.resids[residue]) + (1 if side else -1)
    icode = next((code for code in ("", *"ZYXWVU") if (chain, number, code) not in taken), "")
    taken.add((chain, number, icode))
    return number, icode


def _unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _axes(a, b, c):
    """Unit vectors from b to c, at right angles to it towards a, and at right angles to both."""
    x = _unit(c - b)
    y = _unit((a - b) - ((a - b) * x).sum(-1, keepdims=True) * x)
    return x, y, np.cross(x, y)


def placed(a, b, c, length, bend, turn):
    """
    A fourth point d after a, b, c by its distance from c, the angle b-c-d and the torsion a-b-c-d.

    Parameters
    ----------
    a, b, c : ndarray of float, shape (..., 3)
    length : float
    bend : float
        Degrees.
    turn : float or ndarray of float, shape (...)
        Degrees.

    Returns
    -------
    ndarray of float, shape (..., 3)

    Examples
    --------
    >>> a, b, c = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    >>> (placed(a, b, c, 1.0, 90.0, 0.0).round(6) + 0.0).tolist()
    [1.0, 1.0, 0.0]
    """
    x, y, z = _axes(a, b, c)
    bend, turn = math.radians(bend), np.radians(turn)[..., None]
    return c + length * (-math.cos(bend) * x + math.sin(bend) * (np.cos(turn) * y + np.sin(turn) * z))


def torsion(a, b, c, d):
    """
    The torsion a-b-c-d in degrees.

    Examples
    --------
    >>> round(float(torsion(*np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 1.0]]))), 6)
    90.0
    """
    _, y, z = _axes(a, b, c)
    return np.degrees(np.arctan2(((d - c) * z).sum(-1), ((d - c) * y).sum(-1)))
