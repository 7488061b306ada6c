"""Beads of known chains to C-alphas and to atoms, with the weights that come with the package."""

import numpy as np
import pytest
import torch

from mdbackmap.checkpoint import load
from mdbackmap.data.known import Generator, read_chains
from mdbackmap.datafiles import VALIDATION
from mdbackmap.metrics.dihedrals import flat_atoms
from mdbackmap.metrics.protocol import evaluate
from mdbackmap.molecule.bead_models import BEAD_MODELS


@pytest.fixture(scope="module")
def chains():
    complete = [chain for chain in read_chains(VALIDATION) if chain.mask.sum(1).min() >= 4]
    bent = [chain for chain in complete if chain.trace().cis.any()]
    return [*complete[:2], *bent[:3]]


@pytest.fixture(scope="module")
def model():
    return load("genzprot")[0]


@pytest.mark.parametrize(("name", "furthest"), [("martini3", 0.25), ("martini22", 0.25), ("bb", 0.4), ("com", 0.6)])
def test_c_alphas_are_found_from_other_beads(model, chains, name, furthest):
    off = []
    for chain in chains[:3]:
        placing, mapping = (bound := Generator(model, chain, beads=BEAD_MODELS[name]).bound).placing, bound.mapping
        beads = mapping.project(flat_atoms(mapping.fine, chain.positions))
        placed = placing(torch.tensor(beads, dtype=torch.float32))
        off.append(np.linalg.norm(placed.alphas.numpy() - chain.beads, axis=-1).ravel())
        assert np.median(placed.scales) < furthest
    off = np.concatenate(off)
    assert np.sqrt(np.mean(off**2)) < furthest and np.median(off) < furthest / 2


def test_most_cis_peptides_are_found_and_few_others(model, chains):
    found, true = [], []
    for chain in chains:
        found.append(Generator(model, chain, beads=BEAD_MODELS["martini3"]).bound.mapping.coarse.cis)
        true.append(chain.trace().cis)
    found, true = np.concatenate(found), np.concatenate(true)
    assert true.sum() >= 3
    assert found[true].mean() >= 0.5
    assert found[~true].mean() < 0.002


def test_martini_beads_give_atoms(model, chains):
    chain = chains[0]
    generate = Generator(model, chain, beads=BEAD_MODELS["martini3"])
    mapping = generate.bound.mapping
    atoms = generate(mapping.project(flat_atoms(mapping.fine, chain.positions)), temperature=0.0)
    judged = evaluate(atoms, chain.positions, *chain.known)
    assert judged["rmsd"] < 0.6 and judged["chi1"] > 85
    assert judged["twisted"] == 0 and judged["mirrored_ca"] == 0
