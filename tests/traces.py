"""C-alpha traces made up with known distances, and molecules and tiny networks to go with them."""

import math

import numpy as np
import torch

from mdbackmap.chemistry import residues
from mdbackmap.geometry.vectors import place
from mdbackmap.models.genzprot import GenZProt, GenZProtConfig
from mdbackmap.molecule.topology import Topology
from mdbackmap.torsions.internal import InternalCoordinates

TINY = GenZProtConfig(
    n_features=16,
    n_neighbours=6,
    n_layers=2,
    n_decoder_layers=1,
    n_latent=4,
    n_channels=4,
    n_basis=8,
    n_bins=24,
    order=2,
)
EVERY = residues.ALPHABET * 2 + "PPGPIPTPWPP"


def tiny(seed=0, config=TINY):
    """A small untrained network whose angles depend on what it is told: its weights are larger than at the start."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = GenZProt(config)
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.data.mul_(1.5)
    return model.eval()


def topology(sequence, chains=None, gaps=(), cis=(), resids=None, icodes=None):
    """A coarse `Topology` of one-letter codes and chain letters, with gaps behind `gaps`, cis peptides behind `cis`."""
    n = len(sequence)
    chains = np.array(list(chains or "A" * n))
    ends = np.append(chains[1:] != chains[:-1], True)
    ends[list(gaps)] = True
    return Topology(
        names=["CA"] * n,
        elements=[""] * n,
        residue_of_atom=np.arange(n),
        resnames=[residues.RESIDUE_NAMES[residues.ALPHABET.index(letter)] for letter in sequence],
        resids=np.arange(1, n + 1) if resids is None else resids,
        icodes=[""] * n if icodes is None else icodes,
        chainIDs=chains,
        segids=[""] * n,
        ends=ends,
        cis=np.isin(np.arange(n), list(cis)),
    )


def internal_of(coarse):
    """The internal coordinates of a molecule."""
    return InternalCoordinates(*(torch.tensor(v) for v in (coarse.types, coarse.ends, coarse.cis)))


def trace(n, seed=0, shortest=3.70, longest=3.89, frames=1, cis=(), dtype=torch.float32):
    """Traces (frames, n, 3) of protein-like angles (80 to 150 degrees) and any torsions, distances drawn evenly."""
    rng = np.random.default_rng(seed)
    lengths = torch.tensor(rng.uniform(shortest, longest, (n, frames)), dtype=torch.float64)
    lengths[[i + 1 for i in cis]] = torch.tensor(rng.uniform(2.90, 3.0, (len(cis), frames)))
    angles = torch.tensor(rng.uniform(math.radians(80), math.radians(150), (n, frames)))
    torsions = torch.tensor(rng.uniform(-math.pi, math.pi, (n, frames)))
    start = torch.tensor(rng.normal(0, 10, (frames, 3)))
    points = [start + torch.tensor([0.0, 3.8, 0.0]), start + torch.tensor([1.0, 0.0, 2.0]), start]
    for k in range(1, n):
        points.append(place(*points[-3:], lengths[k], angles[k], torsions[k]))
    return torch.stack(points[2:], dim=1).to(dtype)


def angles_for(internal, seed=0, frames=1, dtype=torch.float32):
    """Torsions (frames, N, 6) drawn evenly, 0 where undefined."""
    drawn = np.random.default_rng(seed).uniform(-math.pi, math.pi, (frames, len(internal.types), 6))
    return torch.tensor(drawn).to(dtype) * internal.defined


def rotation(seed=0, dtype=torch.float32):
    """A rotation matrix (3, 3) and a shift (3,): x @ R + t."""
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return torch.tensor(q * np.linalg.det(q)).to(dtype), torch.tensor(rng.normal(0, 10, 3)).to(dtype)


def ideal_bonds(coarse):
    """Bonds of a molecule as (residue, slot, residue, slot, ideal length in angstrom)."""
    bonds = []
    for r, kind in enumerate(coarse.types):
        name = residues.RESIDUE_NAMES[kind]
        slot = {atom: k for k, atom in enumerate(residues.ATOMS[name])}
        bonds += [(r, slot[a], r, slot[b], LENGTHS[name][a, b]) for a, b in residues.BONDS[name]]
        if not coarse.ends[r]:
            bonds.append((r, 2, r + 1, 0, 1.33))
    return bonds


def bond_deviations(atoms, coarse):
    """Relative deviations (..., b) of the bonds of atoms (..., N, 14, 3) from the ideal, and their peptides (b,).

    A bond of the backbone belongs to the peptide between residues r and r + 1 as r, any other to -1.
    """
    bonds = ideal_bonds(coarse)
    a, i, b, j, ideal = (list(column) for column in zip(*bonds, strict=True))
    length = (atoms[..., a, i, :] - atoms[..., b, j, :]).norm(dim=-1)
    pairs = zip(a, i, j, strict=True)
    peptide = [{(1, 2): r, (2, 3): r, (2, 0): r, (0, 1): r - 1}.get((s, t), -1) for r, s, t in pairs]
    return length / torch.tensor(ideal).to(length) - 1, np.array(peptide)


def _engh_huber():
    """Ideal bond lengths in angstrom after Engh and Huber (International Tables for Crystallography F, 2001)."""
    backbone = {("N", "CA"): 1.459, ("CA", "C"): 1.525, ("C", "O"): 1.229, ("CA", "CB"): 1.530}
    table = {name: {b: backbone.get(b) for b in residues.BONDS[name]} for name in residues.RESIDUE_NAMES}
    rest = """
        ARG 1.521 1.515 1.460 1.326 1.326 1.326; ASN 1.506 1.235 1.324; ASP 1.513 1.249 1.249; CYS 1.812;
        GLN 1.521 1.506 1.235 1.324; GLU 1.517 1.515 1.252 1.252; HIS 1.496 1.380 1.354 1.323 1.374 1.321;
        ILE 1.530 1.524 1.510; LEU 1.533 1.514 1.514; LYS 1.521 1.520 1.508 1.486; MET 1.509 1.807 1.774;
        PHE 1.509 1.383 1.383 1.388 1.388 1.369 1.369; PRO 1.495 1.502 1.474; SER 1.418; THR 1.428 1.519;
        TRP 1.498 1.363 1.432 1.375 1.371 1.409 1.399 1.393 1.380 1.368 1.396; VAL 1.524 1.524;
        TYR 1.512 1.387 1.387 1.389 1.389 1.381 1.381 1.374
    """
    for line in rest.split(";"):
        name, *values = line.split()
        own = [b for b in residues.BONDS[name] if table[name][b] is None]
        table[name].update(zip(own, map(float, values), strict=True))
    return table


LENGTHS = _engh_huber()
