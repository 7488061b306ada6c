"""
The terms of the loss, by name.

======== ======================================================================================================
name     what it is, a mean over the residues, bonds, ... that are scored and known
======== ======================================================================================================
torsion  -log p(torsions | z, beads): nats per residue, densities per radian
kl       KL(q(z | atoms, beads) || p(z | beads)): nats per residue; `torsion` + `kl` bounds -log p from above
bond     (bond length - true one)^2: square angstrom
angle    sqrt(2 (1 - cos(bond angle - true one))), for small differences |difference| in radians
positions square distance of an atom from its true place (moved along with its bead where beads are noisy)
graph    (distance - true one)^2 of atoms one or two bonds apart: square angstrom
clash    max(0, reach - distance) over atoms more than three bonds apart, angstrom per residue; reach as in the
         clashscore: sum of van der Waals radii - 0.4, for nitrogen and oxygen at most 2.5, for two sulfurs 1.8
======== ======================================================================================================

`torsion` and `kl` are the evidence lower bound. The others (after Yang & Gomez-Bombarelli, ICML 2023) judge atoms:
those that `InternalCoordinates.to_cartesian` builds from a point estimate, the circular mean of each torsion's
distribution under the posterior. Their gradients are exact. Bonds and most angles are right by construction, so
`bond` and `angle` see only strained peptides, N-CA-C and the ring of proline. Equivalent atoms are compared in the
better of their two assignments. A term of weight 0 is not computed.

Shapes: n residues, A atoms that count, b bonds, p pairs. Lengths in angstrom, angles in radians.
"""

import dataclasses
import math

import numpy as np
import torch

from ..chemistry import residues
from ..chemistry.elements import ELEMENTS, VDW_RADII
from ..geometry import vectors
from ..metrics.clashes import CLASH_OVERLAP, DISULFIDE, HYDROGEN_BOND, close_pairs
from ..metrics.comparison import match_equivalent
from ..metrics.covalent import Covalent


@dataclasses.dataclass(frozen=True)
class LossWeights:
    """Weight of each term; 0 leaves it out."""

    torsion: float = 1.0
    kl: float = 1.0
    bond: float = 0.0
    angle: float = 0.0
    positions: float = 0.0
    graph: float = 0.0
    clash: float = 0.0

    def __post_init__(self):
        for name, weight in vars(self).items():
            if not (math.isfinite(weight) and weight >= 0):
                raise ValueError(f"the weight of the loss term {name!r} must be 0 or more, not {weight!r}")

    @property
    def of_atoms(self):
        """Names of the terms that need atoms."""
        return [name for name, weight in vars(self).items() if weight and name not in ("torsion", "kl")]


def terms(model, example, generator, weights, bfloat16=False):
    """
    The terms of one batch.

    Parameters
    ----------
    model : Model
    example : Example
    generator : torch.Generator
        On the CPU; what the latent is drawn with.
    weights : LossWeights
    bfloat16 : bool
        Autocast of the network; geometry and likelihoods stay in single precision.

    Returns
    -------
    named : dict of str to torch.Tensor, shape ()
        Terms of the table above; and `peptide` and `chis`, the parts of `torsion`, without gradient.
    total : torch.Tensor, shape ()
        Weight of the residues that they are means over.
    """
    atoms, known, scored = example.atoms, example.known, example.scored
    noise = torch.randn(len(scored), model.config.n_latent, generator=generator).to(atoms.device)
    wanted = weights.of_atoms
    with torch.autocast(atoms.device.type, dtype=torch.bfloat16, enabled=bfloat16):
        outcome = model(example.batch, atoms, example.mask, example.torsions, known, noise, estimate=bool(wanted))
    counted = (known.any(1) & scored) * example.weights
    total = counted.sum().clamp_min(1)
    nll = -(outcome[0] * known * counted.unsqueeze(1)).sum(0) / total
    named = {"torsion": nll.sum(), "kl": (outcome[1] * counted).sum() / total}
    if wanted:
        named |= atom_terms(example, outcome[2].float(), wanted)
    return {**named, "peptide": nll[0].detach(), "chis": nll[1:5].sum().detach()}, total


def atom_terms(example, torsions, names):
    """
    Terms that judge the atoms built from torsions.

    Parameters
    ----------
    example : Example
    torsions : torch.Tensor, shape (n, 6)
        Estimated ones, in radians; only the known ones are used.
    names : list of str

    Returns
    -------
    dict of str to torch.Tensor, shape ()
    """
    built = example.internal.to_cartesian(example.batch.ca, torsions)
    placed = buildable(example) & example.scored[:, None]
    types, ends, mask = (part.cpu().numpy() for part in (example.batch.types, example.batch.last, placed))
    atoms, like = (part.detach().cpu().numpy() for part in (example.atoms, built))
    true = torch.from_numpy(match_equivalent(atoms[None], like, mask, types)[0]).to(built)
    moved = true + (example.batch.ca - example.atoms[:, 1]).unsqueeze(1)
    covalent = Covalent.of(types, mask, ends)
    slots, bonds, angles = (
        torch.from_numpy(v).to(built.device) for v in (covalent.slots, covalent.bonds, covalent.angles)
    )
    made, expected = built.flatten(0, 1)[slots], true.flatten(0, 1)[slots]
    functions = {
        "bond": lambda: distance_term(made, expected, bonds),
        "angle": lambda: angle_term(made, expected, angles),
        "positions": lambda: (
            (made - moved.flatten(0, 1)[slots]).square().sum(-1).mean() if len(slots) else built.sum() * 0
        ),
        "graph": lambda: distance_term(made, expected, torch.cat([bonds, angles[:, [0, 2]]])),
        "clash": lambda: _clash(example, built, placed, moved),
    }
    return {name: functions[name]() for name in names}


def distance_term(built, true, pairs):
    """Mean square difference () of the distances of `pairs` (p, 2) of atoms (A, 3); 0 without pairs."""
    if len(pairs) == 0:
        return built.sum() * 0
    lengths = [(atoms[pairs[:, 0]] - atoms[pairs[:, 1]]).norm(dim=-1) for atoms in (built, true)]
    return (lengths[0] - lengths[1]).square().mean()


def angle_term(built, true, angles):
    """Mean of sqrt(2 (1 - cos d)), d the differences of `angles` (p, 3), the vertex in the middle; 0 without angles."""
    if len(angles) == 0:
        return built.sum() * 0
    made, expected = (vectors.angle(*atoms[angles].unbind(1)) for atoms in (built, true))
    return (2 * ((made - expected) / 2).sin()).abs().mean()


def clash_term(atoms, covalent, marked, molecule, n_residues):
    """
    Overlap of atoms that are not bonded, angstrom per residue.

    Parameters
    ----------
    atoms : torch.Tensor, shape (A, 3)
    covalent : Covalent
        Of these atoms.
    marked : torch.Tensor of bool, shape (A,)
        Pairs count where at least one of the two is marked.
    molecule : torch.Tensor of int64, shape (A,)
        Atoms of different molecules do not meet.
    n_residues : int

    Returns
    -------
    torch.Tensor, shape ()
    """
    pairs = _near_pairs(atoms.detach().cpu().double().numpy(), molecule.cpu().numpy(), covalent)
    reach = torch.from_numpy(_reach(covalent.elements[pairs])).to(atoms)
    pairs = torch.from_numpy(pairs).to(atoms.device)
    counts = marked[pairs].any(1)
    pairs, reach = pairs[counts], reach[counts]
    distance = (atoms[pairs[:, 0]] - atoms[pairs[:, 1]]).norm(dim=-1)
    return (reach - distance).clamp_min(0).sum() / max(1, n_residues)


def _near_pairs(positions, molecule, covalent):
    """Pairs of one molecule near enough to overlap and more than three bonds apart, shape (p, 2)."""
    positions = positions - positions.mean(0, keepdims=True) if len(positions) else positions
    width = 2 * np.abs(positions).max(initial=0.0) + 10.0
    apart = positions + molecule[:, None] * np.array([width, 0.0, 0.0])
    pairs, _ = close_pairs(apart, 2 * VDW_RADII.max() - CLASH_OVERLAP)
    return pairs[~covalent.within_three_bonds(pairs)]


def _reach(elements):
    """Distances in angstrom below which pairs of `elements` (p, 2) overlap, as in `clashes.clashing_pairs`."""
    reach = VDW_RADII[elements].sum(1) - CLASH_OVERLAP
    polar = np.isin(elements, [ELEMENTS.index("N"), ELEMENTS.index("O")]).all(1)
    sulfur = (elements == ELEMENTS.index("S")).all(1)
    return np.where(sulfur, DISULFIDE[0], np.where(polar, np.minimum(reach, HYDROGEN_BOND), reach))


def _clash(example, built, placed, true):
    """`clash_term` of the atoms that are built among the true ones of what is context."""
    atoms = torch.where(placed.unsqueeze(-1), built, true)
    present = example.mask | placed
    types, ends = example.batch.types.cpu().numpy(), example.batch.last.cpu().numpy()
    covalent = Covalent.of(types, present.cpu().numpy(), ends)
    slots = torch.from_numpy(covalent.slots).to(atoms.device)
    molecule = example.molecule.repeat_interleave(residues.MAX_ATOMS)[slots]
    counted = int((example.known.any(1) & example.scored).sum())
    return clash_term(atoms.flatten(0, 1)[slots], covalent, placed.flatten()[slots], molecule, counted)


def buildable(example):
    """
    Which true atoms can be built, (n, 14) bool: those that are there and whose torsions are all known.

    Parameters
    ----------
    example : Example
    """
    known, internal = example.known, example.internal
    types, starts, last = internal.types, internal.starts, internal.ends
    carbonyl = known[:, 0]  # of the last residue it is phi that places C
    nitrogen = torch.where(starts, carbonyl & known[:, 5], carbonyl.roll(1))
    carbonyl = carbonyl & (~last | nitrogen)
    oxygen = carbonyl & (~last | known[:, 5])
    levels = torch.cat([(nitrogen & carbonyl)[:, None], known[:, 1:5]], dim=1).long().cumprod(1).sum(1)  # (n,)
    group = _GROUPS.to(types.device)[types]  # (n, 14)
    ready = (group < levels[:, None]) & (group >= 0)
    ready[:, 0], ready[:, 1], ready[:, 2], ready[:, 3] = nitrogen, True, carbonyl, oxygen
    return ready & example.mask


def _group_of_slots():
    """Torsion that moves the atom in each slot, shape (20, 14): 0 for CB, -1 for the backbone and for no atom."""
    groups = torch.full((len(residues.RESIDUE_NAMES), residues.MAX_ATOMS), -1)
    for name, atoms in residues.IDEAL_ATOMS.items():
        for atom, (group, *_) in atoms.items():
            groups[residues.TYPE_OF_NAME[name], residues.SLOT_OF_ATOM[name, atom]] = group
    for atom in ("CG", "CD"):  # CD needs no torsion, but closes the ring with CG
        groups[residues.TYPE_OF_NAME["PRO"], residues.SLOT_OF_ATOM["PRO", atom]] = 1
    return groups


_GROUPS = _group_of_slots()
