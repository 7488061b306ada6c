"""Small molecules for tests: a branched chain with hydrogens, its frames, and models of it."""

import numpy as np

from mdbackmap.models.cgvae.network import CGVAE, CGVAEConfig
from mdbackmap.molecule.grouping import Groups, group_mapping
from mdbackmap.molecule.plain import to_plain
from mdbackmap.molecule.topology import Topology
from mdbackmap.training.loop import new_model

SMALL = {"n_features": 16, "n_channels": 6, "n_latent": 4, "n_frame": 6, "n_basis": 8}


def alkane(n_carbons=6, n_copies=1):
    """Topology of n-alkanes, two hydrogens on each carbon (three at the ends), a residue a carbon, a chain a copy."""
    names, elements, owner, bonds, first = [], [], [], [], 0
    for copy in range(n_copies):
        before = None
        for carbon in range(n_carbons):
            n_hydrogens = 3 if carbon in (0, n_carbons - 1) else 2
            names += [f"C{carbon + 1}", *(f"H{carbon + 1}{'ABC'[k]}" for k in range(n_hydrogens))]
            elements += ["C", *["H"] * n_hydrogens]
            owner += [copy * n_carbons + carbon] * (1 + n_hydrogens)
            bonds += [(first, first + k + 1) for k in range(n_hydrogens)]
            bonds += [] if before is None else [(before, first)]
            before, first = first, first + 1 + n_hydrogens
    n_residues = n_carbons * n_copies
    chains = np.repeat([chr(65 + k) for k in range(n_copies)], n_carbons)
    resids = np.tile(np.arange(1, n_carbons + 1), n_copies)
    blank = [""] * n_residues
    return Topology(names, elements, owner, ["ALK"] * n_residues, resids, blank, chains, blank, bonds=bonds)


def frames(topology, n_frames=5, seed=0):
    """Random walks (F, A, 3) with bonds of about 1.5 (to hydrogen 1.1) angstrom; copies lie 12 angstrom apart."""
    rng = np.random.default_rng(seed)
    out = np.zeros((n_frames, topology.n_atoms, 3))
    placed = np.zeros(topology.n_atoms, dtype=bool)
    for i, j in sorted(topology.bonds.tolist(), key=lambda pair: pair[1]):
        if not placed[i]:
            out[:, i, 1] = 12.0 * placed[:i].sum() / topology.n_atoms * len(set(topology.chainIDs))
            placed[i] = True
        length = 1.1 if "H" in (topology.elements[i], topology.elements[j]) else 1.5
        step = rng.normal(size=(n_frames, 3)) + [1.0, 0.0, 0.0]
        out[:, j] = out[:, i] + length * step / np.linalg.norm(step, axis=-1, keepdims=True)
        placed[j] = True
    return out.astype(np.float32)


def pairs_of_carbons(topology, n=2):
    """A mapping of `n` residues a bead."""
    residue = topology.residue_of_atom // n
    return group_mapping(
        topology, Groups([np.flatnonzero(residue == k) for k in range(residue.max() + 1)], f"blocks:{n}")
    )


def model_of(mapping, seed=4, **options):
    """A small untrained model of a mapping, with larger weights than at the start: its latents are of consequence."""
    model = new_model(CGVAE, CGVAEConfig(to_plain(mapping), **{**SMALL, **options}), seed)
    for weight in model.parameters():
        if weight.dim() > 1:
            weight.data.mul_(1.6)
    model.slots[-1].bias.data.mul_(6)
    return model
