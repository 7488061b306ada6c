"""
Hydrogens of side chains and backbones while side chains are packed, as slots behind the heavy atoms of each residue.

Only those are here whose places follow from heavy atoms: not those of hydroxyls, thiols and the nitrogens of histidine.
They are at the lengths of electron clouds, which the radii of MolProbity are made for.

Shapes: n residue types and groups of other atoms, S slots (14 of heavy atoms, then hydrogens), F frames, R residues,
H hydrogens. Lengths in angstrom.
"""

import dataclasses
import functools

import numpy as np
import torch

from ..chemistry import elements, other_atoms
from ..chemistry.bound_hydrogens import AROMATIC
from ..chemistry.residues import ATOMS, CA, MAX_ATOMS, RESIDUE_NAMES, C, N
from ..completion.complete import Completion
from ..hydrogen.parents import HydrogenTable, carriers
from ..hydrogen.scoring import Roles
from ..metrics.hydrogens import H_LENGTHS
from ..molecule.bonds import pairs_within
from ..molecule.mapping import Mapping
from ..molecule.topology import Topology
from ..options import HydrogenOptions
from ..torsions.movable import present
from .relief import turning_tables

MOST = 13  # hydrogens of a residue whose places are known; cited: chemistry, arginine and lysine
SLOTS = MAX_ATOMS + MOST
_TURNING = {("SER", "OG"), ("THR", "OG1"), ("TYR", "OH"), ("CYS", "SG"), ("HIS", "ND1"), ("HIS", "NE2")}
LIGHT, HEAVY = 4, 3  # bonds within which pairs do not count, with a hydrogen and without; cited: MolProbity; as apart
FAR = 99  # bonds; cited: more than there are


@dataclasses.dataclass(frozen=True, eq=False)
class LightTables:
    """
    Tables of residue types.

    Attributes
    ----------
    real : torch.Tensor of bool, shape (n, S)
        Slots with an atom.
    parent : torch.Tensor of int64, shape (n, S - 14)
        Slot of the heavy atom of each hydrogen.
    bonded, reference : torch.Tensor of int64, shapes (n, S - 14, 3) and (n, S - 14, 2)
        As in `HydrogenTable`: slots, those of the residue before less 14.
    weights, local : torch.Tensor, shape (n, S - 14, 3)
    moved, axis : torch.Tensor, shapes (n, 4, S) and (n, 4, 2)
        As `rigid.SideChains` takes them.
    kind : torch.Tensor of int64, shape (n, S)
        Class of each atom: a row of `classes`.
    classes : torch.Tensor, shape (C, 4)
        Radius, and whether it is a hydrogen on nitrogen, takes part in bonds of these, is a heavy N or O.
    first, hydrogens : torch.Tensor of int64, shape (n, 14)
        Of each heavy atom the slot of its first hydrogen, and how many it has; they follow each other.
    reach : torch.Tensor, shape (n, 14)
        How far its sphere and those of its hydrogens reach.
    carries : torch.Tensor of bool, shape (n, 14)
        Heavy atoms of which at least a hydrogen turns.
    apart : torch.Tensor of bool, shape (n, S, S)
        Pairs of one residue that can overlap.
    inside : torch.Tensor of bool, shape (n, 14, 14)
        Pairs of heavy atoms of one residue of which atoms can overlap, hydrogens included.
    from_carbon, from_nitrogen : torch.Tensor of int64, shape (n, S)
        Bonds from C and N of the backbone.
    """

    real: torch.Tensor
    parent: torch.Tensor
    bonded: torch.Tensor
    reference: torch.Tensor
    weights: torch.Tensor
    local: torch.Tensor
    moved: torch.Tensor
    axis: torch.Tensor
    kind: torch.Tensor
    classes: torch.Tensor
    first: torch.Tensor
    hydrogens: torch.Tensor
    reach: torch.Tensor
    carries: torch.Tensor
    apart: torch.Tensor
    inside: torch.Tensor
    from_carbon: torch.Tensor
    from_nitrogen: torch.Tensor

    def to(self, device):
        """The same tables on a device."""
        return LightTables(**{name: table.to(device) for name, table in vars(self).items()})


@functools.cache
def light_tables(device=None):
    """The `LightTables`, on a device."""
    if device is not None:
        return light_tables().to(device)
    fine, hydrogens, slot = _example()
    roles, table = Roles.of(fine, np.arange(fine.n_atoms)), HydrogenTable.of(fine, hydrogens)
    n, home = len(present()), fine.residue_of_atom
    found = {name: torch.zeros(n, SLOTS) for name in ("radius", "donor", "acceptor", "polar")}
    found |= {name: torch.zeros(n, MOST, width) for name, width in (("bonded", 3), ("weights", 3), ("local", 3))}
    found |= {"reference": torch.zeros(n, MOST, 2), "parent": torch.zeros(n, MOST)}
    real = torch.nn.functional.pad(present(), (0, MOST)).clone()
    lengths = _lengths(fine, table)
    for k, row in enumerate(hydrogens):
        if slot[row] >= 0:
            kind, at, up = fine.types[home[row]], slot[row] - MAX_ATOMS, int(table.parent[k])
            real[kind, slot[row]] = True
            found["parent"][kind, at] = float(slot[table.atom[up]])
            for name in ("bonded", "reference"):
                rows = getattr(table, name)[up].numpy()
                found[name][kind, at] = torch.from_numpy(slot[rows] - MAX_ATOMS * (home[row] - home[rows])).float()
            found["weights"][kind, at] = table.weights[up]
            found["local"][kind, at] = table.local[k] * (lengths[k] / table.local[k].norm())
    parents = carriers(fine)
    for row in np.flatnonzero(slot >= 0):
        kind, light = fine.types[home[row]], fine.elements[row] == "H"
        radius = elements.POLAR_H_RADIUS if light and _small(fine, parents[row]) else elements.H_RADIUS
        found["radius"][kind, slot[row]] = radius if light else roles.radius[row]
        found["donor"][kind, slot[row]], found["acceptor"][kind, slot[row]] = roles.polar[row], roles.acceptor[row]
        found["polar"][kind, slot[row]] = float(fine.elements[row] in "NO")
    _others(found)
    whole = {name: found[name].long() for name in ("bonded", "reference", "parent")}
    whole |= {name: found[name] for name in ("weights", "local")}
    joints = _joints(fine, slot, real, whole["parent"])
    whole |= joints | _classes(found) | _carried(found, real, whole["parent"], joints)
    return LightTables(real=real, **whole)


def _example():
    """Glycines and one of each residue between them, with hydrogens; rows of these; and the slot of each atom or -1."""
    names = ["GLY"]
    for name in RESIDUE_NAMES:
        names += [name, "GLY"]
    n = len(names)
    plain = [""] * n
    trace = Topology(["CA"] * n, plain, np.arange(n), names, np.arange(1, n + 1), plain, ["A"] * n, plain)
    whole = Completion(Mapping.ca(trace), HydrogenOptions(True))
    fine, slot = whole.mapping.fine, np.full(whole.mapping.n_atoms, -1)
    parent = carriers(fine)
    last = n - 1
    for residue in range(n):
        rows, name, free = np.flatnonzero(fine.residue_of_atom == residue), names[residue], MAX_ATOMS
        for row in rows:
            if fine.elements[row] != "H":
                slot[row] = ATOMS[name].index(fine.names[row]) if fine.names[row] in ATOMS[name] else -1
            elif residue not in (0, last) and (name, str(fine.names[parent[row]])) not in _TURNING:
                slot[row], free = free, free + 1
    return fine, whole.hydrogens, slot


def _small(fine, parent):
    """Whether hydrogens of an atom are small: those on N, O, S or an aromatic ring."""
    residue, name = fine.resnames[fine.residue_of_atom[parent]], fine.names[parent]
    return name[0] != "C" or (residue, name) in AROMATIC


def _lengths(fine, table):
    """Lengths (H,) of hydrogens' bonds, to electron clouds."""
    count, kinds = np.bincount(table.parent.numpy()), []
    for up in table.parent.tolist():
        atom = int(table.atom[up])
        carbon, nitrogen = int(_small(fine, atom)), 2 + int(count[up] == 3)
        rows = {"C": carbon, "N": nitrogen, "O": -2, "S": -1}  # of `H_LENGTHS`
        kinds.append(rows[fine.elements[atom]])
    return H_LENGTHS[kinds, 0]


def _others(found):
    """Radii of groups of other atoms; metal ions as near to oxygens as they may be."""
    radii = dict(zip(elements.ELEMENTS, elements.VDW_RADII.tolist(), strict=True))
    radii["metal"] = other_atoms.METAL_DISTANCES["O"] - radii["O"]
    for k, kind in enumerate(other_atoms.KINDS):
        first = len(RESIDUE_NAMES) + k * MAX_ATOMS
        rows = slice(first, first + MAX_ATOMS)
        found["radius"][rows] = radii[kind]
        found["acceptor"][rows] = float(kind in ("N", "O", "S", "metal"))
        found["polar"][rows] = float(kind in ("N", "O", "metal"))


def _classes(found):
    """Atoms of equal radius and role are of one class."""
    columns = torch.stack([found[name] for name in ("radius", "donor", "acceptor", "polar")], -1)
    classes, kind = columns.flatten(0, 1).unique(dim=0, return_inverse=True)
    return {"classes": classes, "kind": kind.view(columns.shape[:2])}


def _carried(found, real, parent, joints):
    """Tables of heavy atoms with their hydrogens."""
    mine = (parent.unsqueeze(1) == torch.arange(MAX_ATOMS)[:, None]) & real[:, None, MAX_ATOMS:]  # (n, 14, S - 14)
    length = found["local"].norm(dim=-1) + found["radius"][:, MAX_ATOMS:]
    reach = torch.maximum(found["radius"][:, :MAX_ATOMS], (length.unsqueeze(1) * mine).amax(2))
    own = torch.cat([torch.eye(MAX_ATOMS, dtype=torch.bool).expand(len(real), -1, -1), mine], 2).float()  # (n, 14, S)
    return {
        **{"first": MAX_ATOMS + mine.int().argmax(2), "hydrogens": mine.sum(2), "reach": reach},
        **{"carries": (own * joints["moved"][:, :1]).any(2), "inside": (own @ joints["apart"].float() @ own.mT) > 0},
    }


def _joints(fine, slot, real, parent):
    """Tables of what turns, and of bonds between the atoms of one residue."""
    heavy, axis = turning_tables()
    up = parent.unsqueeze(1).expand(-1, 4, -1)
    light = (heavy.gather(2, up) | (up == axis[..., 1:])) & heavy.any(2, keepdim=True)
    moved = torch.cat([heavy, light & real[:, None, MAX_ATOMS:]], 2)
    n, home = len(real), fine.residue_of_atom
    bonds = torch.full((n, SLOTS, SLOTS), FAR)
    for reach in range(2 * LIGHT, 0, -1):
        for one, other in pairs_within(fine.n_atoms, fine.bonds, reach):
            if home[one] == home[other] and slot[one] >= 0 and slot[other] >= 0:
                kind = fine.types[home[one]]
                bonds[kind, slot[one], slot[other]] = bonds[kind, slot[other], slot[one]] = reach
    bonds[:, range(SLOTS), range(SLOTS)] = 0
    far = torch.full((SLOTS,), HEAVY)
    far[MAX_ATOMS:] = LIGHT
    apart = (bonds > torch.maximum(far[:, None], far)) & real[:, :, None] & real[:, None]
    apart &= moved.sum(1)[:, :, None] != moved.sum(1)[:, None]
    return {
        **{"moved": moved, "axis": axis, "apart": apart},
        **{"from_carbon": bonds[:, C].clone(), "from_nitrogen": bonds[:, N].clone()},
    }


def with_hydrogens(types, starts, atoms):
    """
    Heavy atoms and their hydrogens.

    Parameters
    ----------
    types : torch.Tensor of int64, shape (R,)
    starts : torch.Tensor of bool, shape (R,)
        First residues of stretches: their N has no hydrogen here.
    atoms : torch.Tensor, shape (F, R, 14, 3)

    Returns
    -------
    atoms : torch.Tensor, shape (F, R, S, 3)
        C-alphas where there is no atom.
    real : torch.Tensor of bool, shape (R, S)
    """
    tables = light_tables(atoms.device)
    real = tables.real[types].clone()
    real[:, MAX_ATOMS:] &= ~(starts.unsqueeze(1) & (tables.parent[types] == N))
    row, at = real[:, MAX_ATOMS:].nonzero().unbind(1)
    atom, parent = (row * MAX_ATOMS + tables.parent[types[row], at]).unique(return_inverse=True)
    home, slot = torch.div(atom, MAX_ATOMS, rounding_mode="floor"), atom % MAX_ATOMS
    kind, first = types[home], home.unsqueeze(1) * MAX_ATOMS
    one = tables.first[kind, slot] - MAX_ATOMS  # of its hydrogens
    hydrogens = HydrogenTable(
        rows=row * MAX_ATOMS,
        parent=parent,
        local=tables.local[types[row], at].to(atoms),
        atom=atom,
        bonded=first + tables.bonded[kind, one],
        weights=tables.weights[kind, one].to(atoms),
        reference=first + tables.reference[kind, one],
    )
    whole = torch.cat([atoms, atoms[:, :, CA, None].expand(-1, -1, MOST, -1)], 2)
    whole[:, row, MAX_ATOMS + at] = hydrogens.place(atoms.flatten(1, 2))
    return whole, real


@functools.cache
def nearest_allowed(touch, device=None):
    """
    Smallest distances of two atoms at no cost.

    Parameters
    ----------
    touch : float
        Overlap of spheres, in angstrom, that costs nothing; those of a hydrogen bond may overlap more.
    device : torch.device, optional

    Returns
    -------
    torch.Tensor, shape (C, C)
        Of atoms of two of the `LightTables.classes`.
    """
    radius, donor, acceptor, polar = light_tables(device).classes.unbind(1)
    bond = torch.maximum(donor[:, None] * acceptor, acceptor[:, None] * donor)
    allowed = radius[:, None] + radius - touch - elements.HYDROGEN_BOND_OVERLAP * bond
    return torch.where(polar[:, None] * polar > 0, allowed.clamp_max(elements.POLAR_DISTANCE), allowed)
