"""The GenZProt family: the contract, and what is its own."""

import math

import pytest
import torch
from contract import ModelContract, draw
from traces import EVERY, TINY, angles_for, bond_deviations, internal_of, tiny, topology, trace

from mdbackmap.backbone.peptides import draw_peptides
from mdbackmap.backbone.settings import BackboneSettings
from mdbackmap.chemistry import residues
from mdbackmap.generation.bound import bind
from mdbackmap.generation.conformation import Conformation
from mdbackmap.generation.noise import Noise
from mdbackmap.geometry.vectors import wrap
from mdbackmap.models.batch import PASS, Batch
from mdbackmap.models.genzprot import GenZProt
from mdbackmap.options import Keys
from mdbackmap.packing.candidates import fold_symmetric

SHORT = residues.ALPHABET + "PPGPIPTPWPP"


class TestGenZProt(ModelContract):
    @pytest.fixture
    def model(self):
        return tiny()

    @pytest.fixture
    def coarse(self):
        return topology(SHORT, chains="A" * 22 + "B" * 9, gaps=(2, 6), cis=(13,))

    @pytest.fixture
    def beads(self):
        return trace(len(SHORT), frames=2, cis=(13,))

    def test_beads_are_kept_bit_for_bit(self, model, mapping, beads):
        atoms = draw(model, mapping, beads).numpy()
        assert (mapping.project(atoms) == beads.numpy()).all()

    def test_bonds(self, model, mapping, coarse, beads):
        atoms = draw(model, mapping, beads)
        slots = torch.zeros(len(beads), coarse.n_residues * 14, 3).index_copy(1, bind(model, mapping).slots, atoms)
        deviations, _ = bond_deviations(slots.unflatten(1, (-1, 14)), coarse)
        assert deviations.abs().max() < 0.03

    def test_chunks_change_nothing(self, model, mapping, beads, monkeypatch):
        whole = draw(model, mapping, beads)
        monkeypatch.setitem(PASS, "cpu", 1)
        assert torch.allclose(draw(model, mapping, beads), whole, atol=1e-3)


@pytest.fixture(scope="module")
def example():
    """A molecule with its atoms and angles, as training has them."""
    internal = internal_of(topology(EVERY, gaps=(9, 30)))
    ca = trace(len(EVERY))
    torsions = angles_for(internal)
    atoms = internal.to_cartesian(ca, torsions)[0]
    mask = torch.tensor(
        [[k < len(residues.ATOMS[residues.RESIDUE_NAMES[kind]]) for k in range(14)] for kind in internal.types]
    )
    return Batch.from_frames(internal, ca, TINY.n_neighbours), atoms, mask, torsions[0], internal.defined


def terms(model, example, noise):
    with torch.no_grad():
        return model(*example, noise)


def test_the_posterior_does_not_turn(example):
    """Rotating atoms and beads together changes no term of the loss."""
    batch, atoms, mask, torsions, known = example
    model, noise = tiny(), torch.randn(len(batch), TINY.n_latent, generator=torch.Generator().manual_seed(0))
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(1)))[0]
    turn = turn * torch.linalg.det(turn)
    moved = Batch(
        **{
            name: value @ turn if name in ("ca", "before", "after", "displacements") else value
            for name, value in vars(batch).items()
        }
    )
    for one, other in zip(
        terms(model, example, noise), terms(model, (moved, atoms @ turn, mask, torsions, known), noise), strict=True
    ):
        assert torch.allclose(one, other, atol=2e-3)


def test_unknown_torsions_cost_nothing_and_kl_is_positive(example):
    batch, atoms, mask, torsions, known = example
    known = known.clone()
    known[::3] = False
    log_density, kl = terms(tiny(), (batch, atoms, mask, torsions, known), torch.zeros(len(batch), TINY.n_latent))
    assert (log_density[~known] == 0).all() and (log_density[known] != 0).all()
    assert (kl >= 0).all()


def test_unknown_torsions_are_not_looked_at(example):
    """An angle that is not there, given as anything, does not move the density of the others."""
    batch, atoms, mask, torsions, known = example
    known = known.clone()
    known[4::5, 1] = known[7::5, 0] = False
    other = torch.where(known, torsions, 2.0)
    noise = torch.zeros(len(batch), TINY.n_latent)
    one = terms(tiny(), (batch, atoms, mask, torsions, known), noise)
    two = terms(tiny(), (batch, atoms, mask, other, known), noise)
    assert torch.equal(one[0], two[0]) and torch.equal(one[1], two[1])


def test_sampling_follows_the_densities_of_training():
    """Angles drawn (side chains as they come, overlaps and strain aside) are as likely as the training's densities say.

    Kolmogorov-Smirnov on the first residue's peptide angle and on the chi1 of its neighbour, latent at its mean.
    """
    model, n = tiny(), 4000
    internal = internal_of(topology("AWA"))
    beads = trace(3).expand(n, -1, -1)
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        batch = Batch.from_frames(internal, beads[:1], TINY.n_neighbours)
        features = model.draw(batch, torch.zeros(3, TINY.n_latent))
        given = Conformation.of(internal, beads), features.expand(n, -1, -1), torch.rand(n, 3, generator=rng)
        angles = draw_peptides(model.heads, *given, 1.0, BackboneSettings(rounds=0))
        grid = torch.linspace(-math.pi, math.pi, 721)
        density = []
        for angle in grid[:-1]:
            torsions, known = torch.zeros(3, 6), torch.zeros(3, 6, dtype=bool)
            torsions[0, 0], known[0, 0] = angle, True
            density.append(model._log_densities(batch, features, torsions, known)[0, 0].exp())
    wanted = torch.stack(density).cumsum(0) * (grid[1] - grid[0])
    found = torch.searchsorted(wrap(angles[:, 0]).sort().values, grid[1:]) / n
    assert (found - wanted).abs().max() < 1.95 / n**0.5  # p = 0.001


def test_symmetric_groups_are_folded():
    types = torch.arange(20)
    angles = torch.linspace(-4, 4, 20)[:, None].repeat(1, 6)
    folded = fold_symmetric(types, angles)
    for kind, name in enumerate(residues.RESIDUE_NAMES):
        for chi in range(1, 5):
            half = residues.SYMMETRIC_CHIS.get(name) == chi - 1
            turn = math.pi if half else 2 * math.pi
            assert -turn / 2 <= folded[kind, chi] < turn / 2 + 1e-6
            assert abs(math.remainder(float(folded[kind, chi] - angles[kind, chi]), turn)) < 1e-5


def test_every_weight_learns(example):
    """No part of the network is left out of the loss."""
    model = GenZProt(TINY)
    log_density, kl = model(*example, torch.randn(len(example[0]), TINY.n_latent))
    (kl.sum() - log_density.sum()).backward()
    idle = [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.abs().sum() > 0]
    assert idle == []


def test_mapping_needs_one_bead_a_residue():
    mapping = tiny().mapping(topology("GAP"))
    assert mapping.n_atoms == 4 + 5 + 7


def test_rings_of_proline_are_bent_as_in_crystals():
    """Whatever the network says: a ring bent over would have CG inside it."""
    model, internal, beads = tiny(), internal_of(topology("APAPPA")), trace(6, frames=64)
    bound = bind(model, model.mapping(topology("APAPPA")))
    torsions = bound.conformation(beads, Noise(), Keys.first(64)).torsions
    pucker = torsions[:, internal.prolines, 1].abs()
    assert pucker.max() <= math.radians(60) + 1e-6 and pucker.std() > 0.1
