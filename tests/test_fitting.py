"""Atoms brought onto beads: derivatives, misfits, and what stays as it is."""

import dataclasses
import itertools

import pytest
import torch

from mdbackmap.checkpoint import load
from mdbackmap.chemistry.residues import SLOT_OF_ATOM, TYPE_OF_NAME
from mdbackmap.data.known import read_chains
from mdbackmap.datafiles import VALIDATION
from mdbackmap.fitting.banded import REACH, WIDTH, solve
from mdbackmap.fitting.levers import Levers
from mdbackmap.fitting.targets import BeadTargets
from mdbackmap.generation.noise import Noise
from mdbackmap.generation.pipeline import RandomNumbers, generate
from mdbackmap.generation.settings import Settings
from mdbackmap.molecule.bead_models import BEAD_MODELS
from mdbackmap.molecule.heavy_atoms import protein_topology
from mdbackmap.molecule.mapping import Mapping
from mdbackmap.options import Keys
from mdbackmap.packing.rigid import tilted
from mdbackmap.torsions.bead_table import BeadTable
from mdbackmap.torsions.internal import InternalCoordinates
from mdbackmap.traces.relaxation import Relaxation


class Case:
    """A chain, its beads, and what the pipeline makes of them."""

    def __init__(self, chain, name, n_frames=1, sigma=0.12):
        self.chain, fine = chain, protein_topology(chain.trace())
        model = BEAD_MODELS[name]
        table = BeadTable.of(Mapping.of(model, model.topology(fine), fine))
        lost = ((table.weights != 0) & ~torch.tensor(chain.mask)[:, None]).any(-1)
        self.table = dataclasses.replace(table, present=table.present & ~lost)
        self.true = torch.tensor(chain.positions[:1], dtype=torch.float32).repeat(n_frames, 1, 1, 1)
        self.alphas = self.true[:, :, 1].contiguous()
        self.targets = BeadTargets(
            self.table, self.table.project(self.true), torch.full(self.table.present.shape, sigma)
        )
        if (self.table.ca < 0).any():  # C-alphas as a network may say where they are
            noise = torch.randn(self.alphas.shape, generator=torch.Generator().manual_seed(1))
            self.alphas = self.alphas + 0.1 * noise
            self.targets = dataclasses.replace(self.targets, scale=torch.full(self.alphas.shape[:2], 0.1))
        self.internal = InternalCoordinates.of(chain.trace())

    @torch.no_grad()
    def generate(self, network, targets=None, temperature=0, frames=slice(None)):
        alphas, settings = self.alphas[frames], Settings()
        keys = Keys.of(list(range(len(self.alphas)))[frames])
        given = alphas, network.config.n_latent, settings.packing
        random = RandomNumbers.of(Noise(temperature=temperature), keys, *given)
        targets = None if targets is None else targets[frames]
        return generate(network, Relaxation(self.internal), alphas, random, settings, targets=targets)

    def off(self, conformation):
        """RMS of beads, in angstrom."""
        off = self.targets.misfit(conformation.atoms).norm(dim=-1)[:, self.table.present]
        return float(off.square().mean().sqrt())


@pytest.fixture(scope="module")
def network():
    return load("genzprot")[0]


@pytest.fixture(scope="module")
def chain():
    return min(read_chains(VALIDATION), key=lambda chain: len(chain.types))


def test_levers_are_derivatives(chain):
    case = Case(chain, "martini3")
    types, internal = case.internal.types, case.internal
    generator = torch.Generator().manual_seed(1)
    torsions = torch.randn(1, len(types), 6, generator=generator, dtype=torch.float64)
    backbone = [case.true[:, :, k].double() for k in (1, 0, 2, 3)]
    tilt = 1e-3 * torch.randn(1, len(types), 3, generator=generator, dtype=torch.float64)

    def beads(torsions, tilt):
        return case.table.project(tilted(internal.to_cartesian(backbone[0], torsions, backbone[1:]), tilt))

    levers = Levers(types, case.table.weights)
    slopes = levers(tilted(internal.to_cartesian(backbone[0], torsions, backbone[1:]), tilt))
    step = 1e-5
    for turn in range(7):
        moved = [torsions.clone(), tilt.clone()]
        if turn < 3:
            moved[1][..., turn] += step
        else:
            moved[0][..., turn - 2] += step
        expected = (beads(*moved) - beads(torsions, tilt)) / step
        expected = expected * levers.free[:, turn, None, None]
        torch.testing.assert_close(slopes[..., turn], expected, atol=0.01, rtol=0)


@pytest.mark.parametrize("temperature", [0, 1])
def test_side_chains_come_onto_their_beads(network, chain, temperature):
    case = Case(chain, "ca_sc")
    loose, fitted = (case.generate(network, targets, temperature) for targets in (None, case.targets))
    assert torch.equal(fitted.beads, case.alphas)
    assert case.off(fitted) < 0.25 < 0.5 < case.off(loose)


def test_without_beads_beside_the_alphas_nothing_changes(network, chain):
    case = Case(chain, "ca")
    plain, fitted = (case.generate(network, targets) for targets in (None, case.targets))
    assert torch.equal(plain.atoms, fitted.atoms)


def test_relief_keeps_side_chains_on_their_beads(chain):
    """A pull is the gradient of its energy, and bounds how far relief turns a side chain."""
    case = Case(chain, "ca_sc")
    rows = case.targets.side_chains
    pulls = case.targets.pulls(torch.zeros_like(rows), rows)
    atoms = (case.true[0, rows] + 0.1).double().requires_grad_()
    doubled = type(pulls)(*(part.double() for part in vars(pulls).values()))
    (slopes,) = torch.autograd.grad(doubled.energy(atoms).sum(), atoms)
    torch.testing.assert_close(doubled.slopes(atoms), slopes)


def test_backbones_that_are_given_are_kept(network, chain):
    case = Case(chain, "backbone")
    atoms = case.generate(network, case.targets).atoms
    known = torch.tensor(chain.mask)[:, :4]
    assert (atoms - case.true)[:, :, :4][:, known].abs().max() < 1e-4


def test_alphas_come_nearer_to_the_truth(network, chain):
    case = Case(chain, "martini3", sigma=0.08)
    fitted = case.generate(network, case.targets)
    before, after = ((alphas - case.true[:, :, 1]).square().mean().sqrt() for alphas in (case.alphas, fitted.beads))
    assert after < 0.8 * before and case.off(fitted) < 0.2
    assert (fitted.atoms - case.true)[:, :, :4].square().mean().sqrt() < 0.15


@pytest.mark.parametrize("temperature", [0, 1])
def test_frames_do_not_know_of_each_other(network, chain, temperature):
    case = Case(chain, "martini3", n_frames=3)
    case.alphas[1] += 0.05 * torch.randn(case.alphas[1].shape, generator=torch.Generator().manual_seed(2))
    whole = case.generate(network, case.targets, temperature).atoms
    alone = case.generate(network, case.targets, temperature, slice(1, 2)).atoms
    assert (whole[1:2] - alone).norm(dim=-1).amax(-1).gt(0.01).float().mean() < 0.02
    if temperature:
        assert (whole[0] - whole[2]).norm(dim=-1).amax() > 1.0


def test_normal_equations_are_solved():
    generator = torch.Generator().manual_seed(1)
    slopes = torch.randn(2, 7, 4, WIDTH, 3, generator=generator)  # of 4 residuals of 7 residues, 3 unknowns each
    for residue, step in itertools.product(range(7), range(-REACH, REACH + 1)):
        if not 0 <= residue + step < 7:
            slopes[:, residue, :, step + REACH] = 0
    off, prior = torch.randn(2, 7, 4, generator=generator), torch.rand(2, 7, 3, generator=generator) + 0.1
    dense = torch.zeros(2, 7, 4, 7, 3)
    for residue, step in itertools.product(range(7), range(-REACH, REACH + 1)):
        if 0 <= residue + step < 7:
            dense[:, residue, :, residue + step] = slopes[:, residue, :, step + REACH]
    dense = dense.flatten(3).flatten(1, 2)
    expected = torch.linalg.solve(
        dense.mT @ dense + torch.diag_embed(prior.flatten(1)), (dense.mT @ off.flatten(1).unsqueeze(-1)).squeeze(-1)
    )
    flat = slopes.flatten(-2)
    curvature = (flat.mT @ flat).unflatten(-1, (WIDTH, 3)).unflatten(2, (WIDTH, 3))
    slope = (flat.mT @ off.unsqueeze(-1)).squeeze(-1).unflatten(-1, (WIDTH, 3))
    found = solve(curvature, slope, prior, torch.zeros_like(prior))
    torch.testing.assert_close(found.flatten(1), expected, atol=1e-4, rtol=1e-4)


def test_names_of_ring_atoms_are_those_of_the_beads(network, chain):
    """In files, CD1 and CD2 are not always named as they should be."""
    case = Case(chain, "martini3")
    rings = torch.isin(case.internal.types, torch.tensor([TYPE_OF_NAME[name] for name in ("PHE", "TYR")]))
    assert bool(rings.any())
    for one, other in (("CD1", "CD2"), ("CE1", "CE2")):
        slots = [SLOT_OF_ATOM["TYR", name] for name in (one, other)]
        case.true[:, rings.nonzero(), slots] = case.true[:, rings.nonzero(), slots[::-1]]
    targets = dataclasses.replace(case.targets, positions=case.table.project(case.true))
    off = targets.misfit(case.generate(network, targets).atoms)[:, rings]
    assert off.norm(dim=-1).square().mean().sqrt() < 0.5
