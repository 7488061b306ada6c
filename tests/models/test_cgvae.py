"""CGVAE: what every family keeps, what a Cartesian decoder keeps besides, and the density that it is judged by."""

import math

import numpy as np
import pytest
import torch
from contract import ModelContract, draw
from e3nn import o3
from molecules import alkane, frames, model_of, pairs_of_carbons
from traces import rotation

from mdbackmap.generation.noise import Noise
from mdbackmap.molecule.grouping import Groups, group_mapping
from mdbackmap.molecule.mapping import Mapping, MappingError
from mdbackmap.options import Keys

MIRROR = torch.tensor([1.0, 1.0, -1.0])


def molecule(n_carbons=10):
    topology = alkane(n_carbons)
    return pairs_of_carbons(topology), torch.tensor(frames(topology))


class TestCGVAE(ModelContract):
    nearest = 0.01  # angstrom: untrained, it puts atoms at random; `test_bundled_molecules` looks at trained ones

    @pytest.fixture
    def model(self):
        return model_of(molecule()[0])

    @pytest.fixture
    def coarse(self, model):
        return model.molecule.coarse

    @pytest.fixture
    def beads(self, model):
        return model.tables.project(molecule()[1])

    def test_molecules_take_turns(self, model, mapping, beads):
        """A model of one molecule is for that molecule, whatever topology it is asked about."""
        assert model.mapping(alkane(3)) is model.molecule
        other = model_of(pairs_of_carbons(alkane(6)))
        draw(other, other.molecule, beads[:, :3])
        atoms = draw(model, mapping, beads)
        assert torch.equal(draw(model, mapping, beads), atoms)

    def test_lone_and_paired_beads(self, model, mapping, beads):
        """Beads far apart, in a line, and on top of each other: numbers everywhere."""
        line = torch.arange(5.0)[:, None] * torch.tensor([3.0, 0.0, 0.0])
        for odd in (100 * beads[0], line, torch.zeros(5, 3)):
            atoms = draw(model, mapping, odd[None])
            assert torch.isfinite(atoms).all()
            np.testing.assert_allclose(mapping.project(atoms.numpy()), odd[None].numpy(), atol=1e-3)

    def test_equivariance_to_a_ten_thousandth(self, model, mapping, beads):
        atoms = draw(model, mapping, beads)
        for seed in range(4):
            turn, shift = rotation(seed)
            assert (draw(model, mapping, beads @ turn + shift) - (atoms @ turn + shift)).abs().max() < 1e-4

    def test_frames_may_come_in_any_order(self, model, mapping, beads):
        order = [3, 0, 4, 1, 2]
        atoms, shuffled = draw(model, mapping, beads), draw(model, mapping, beads[order], frames=order)
        torch.testing.assert_close(shuffled, atoms[order], atol=1e-5, rtol=0)  # products of matrices round by row

    def test_the_posterior_turns_along(self, model, mapping):
        atoms = molecule()[1]
        noise = torch.randn(5, 5, 4, generator=torch.Generator().manual_seed(0))
        turn, _ = rotation(3)
        with torch.no_grad():
            found, turned = model(atoms, noise), model(atoms @ turn, noise)
        torch.testing.assert_close(turned.atoms, found.atoms @ turn, atol=1e-4, rtol=0)
        torch.testing.assert_close(turned.kl, found.kl, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(turned.log_density, found.log_density, atol=1e-2, rtol=1e-4)


@pytest.mark.parametrize(("parity", "mirrors"), [("full", True), ("chiral", False)])
def test_parity(parity, mirrors):
    mapping, atoms = molecule()
    model = model_of(mapping, parity=parity)
    beads = model.tables.project(atoms)
    with torch.no_grad():
        normal = torch.randn(5, 5, 4, generator=torch.Generator().manual_seed(0))
        mirrored = model.draw(beads * MIRROR, normal) * MIRROR
        apart = (mirrored - model.draw(beads, normal)).abs().max()
    assert (apart < 1e-4) == mirrors
    assert mirrors or apart > 0.1


@pytest.mark.parametrize(("parity", "rounds", "sees"), [("chiral", 3, True), ("chiral", 1, False), ("full", 3, False)])
def test_the_prior_tells_left_from_right(parity, rounds, sees):
    """Where mirrored beads stand for other conformations; one round of messages sees distances and angles alone."""
    mapping, atoms = molecule()
    model = model_of(mapping, parity=parity, n_prior_layers=rounds)
    beads = model.tables.project(atoms)
    with torch.no_grad():
        priors = [model.prior(model.condition(x)[0].scalars) for x in (beads, beads * MIRROR)]
    apart = (priors[0] - priors[1]).abs().max()
    assert apart > 1e-4 if sees else apart < 1e-6


def test_draws_from_the_prior_beside_those_from_the_posterior():
    mapping, atoms = molecule()
    model = model_of(mapping)
    noise = torch.randn(2, 5, 5, 4, generator=torch.Generator().manual_seed(0))
    found = model(atoms, noise[0], prior_noise=noise[1])
    assert torch.equal(found.drawn, model.draw(model.tables.project(atoms), noise[1]))
    found.drawn.square().sum().backward()
    assert all(p.grad is None for p in (*model.prior.parameters(), *model.encoder.parameters()))
    assert model.latent.weight.grad.abs().sum() > 0


def test_three_beads_have_atoms_out_of_their_plane():
    mapping, atoms = molecule(6)
    model = model_of(mapping)
    beads = torch.tensor([[[0.0, 0, 0], [3.0, 0, 0], [0.0, 4, 0]]])
    assert draw(model, mapping, beads)[..., 2].abs().max() > 0.1
    with pytest.raises(MappingError, match="plane"):
        model_of(mapping, parity="full")


def test_features_are_irreps_of_o3():
    mapping, atoms = molecule()
    model = model_of(mapping, parity="full")
    beads = model.tables.project(atoms)
    turn = -o3.rand_matrix()  # with an inversion
    with torch.no_grad():
        found, turned = model.condition(beads)[0], model.condition(beads @ turn.T)[0]
    flat, turned = (torch.cat([part.flatten(1) for part in features], -1) for features in (found, turned))
    expected = flat @ o3.Irreps("16x0e + 6x0o + 6x1o + 6x1e").D_from_matrix(turn).T
    torch.testing.assert_close(turned, expected, atol=1e-4, rtol=1e-4)


def test_log_density_is_that_of_the_subspace():
    """Against a Gaussian in explicit orthonormal coordinates of the displacements that keep the beads."""
    topology = alkane(6)
    groups = Groups([np.arange(4), np.arange(4, 10), np.arange(10, 13), np.arange(13, 20)], "mine")
    model = model_of(group_mapping(topology, groups, "mass"))
    mapping = model.molecule
    with torch.no_grad():
        model.log_width += torch.linspace(-1, 1, len(model.log_width))
    atoms = torch.tensor(frames(topology)).double()
    model = model.double()
    step = torch.randn(5, 20, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    step -= torch.tensor(mapping.lift(mapping.project(step.numpy())))
    matrix = np.zeros((4, 20))
    matrix[mapping.beads, mapping.atoms] = mapping.weights
    basis = torch.tensor(np.linalg.svd(matrix)[2][4:])  # (16, 20) orthonormal, null space of the projection
    width = model.log_width[model.tables.kind_of_atom].exp()
    precision = basis @ torch.diag(width**-2) @ basis.T
    gaussian = torch.distributions.MultivariateNormal(torch.zeros(16, dtype=torch.float64), precision_matrix=precision)
    expected = gaussian.log_prob((basis @ step).transpose(1, 2)).sum(-1)
    torch.testing.assert_close(model.log_density(atoms + step, atoms).detach(), expected, atol=1e-4, rtol=1e-6)


def test_elbo_is_below_the_likelihood():
    """Of a model whose decoder ignores the latent, the reconstruction alone is the likelihood."""
    mapping, atoms = molecule()
    model = model_of(mapping)
    with torch.no_grad():
        model.latent.weight.zero_()
        noise = torch.randn(2, 5, 5, 4, generator=torch.Generator().manual_seed(0))
        found, other = model(atoms, noise[0]), model(atoms, noise[1])
    one, kl = found.log_density, found.kl.sum(1)
    assert torch.equal(one, other.log_density) and (kl > 0).all() and one.shape == kl.shape == (5,)
    assert math.isfinite(float(one.sum()))


def test_temperature_scales_the_latent():
    mapping, atoms = molecule()
    model = model_of(mapping)
    beads = model.tables.project(atoms)
    normal = torch.from_numpy(Noise(seed=5).normal(Keys.first(5), (5, 4)))
    with torch.no_grad():
        expected = model.draw(beads, 0.5 * normal)
    drawn = draw(model, mapping, beads, noise=Noise(seed=5, temperature=0.5))
    torch.testing.assert_close(drawn, expected, atol=1e-5, rtol=0)


def test_what_else_is_in_a_batch_leaves_no_trace():
    mapping, atoms = molecule()
    model = model_of(mapping)
    beads = model.tables.project(atoms)
    together = draw(model, mapping, beads)
    alone = [draw(model, mapping, beads[k : k + 1], [k]) for k in range(len(beads))]
    assert torch.equal(torch.cat(alone), together)


def test_copies_of_a_molecule_share_their_weights():
    topology = alkane(6, n_copies=3)
    model = model_of(pairs_of_carbons(topology))
    assert model.tables.n_kinds == (3, 20)
    alone = model_of(pairs_of_carbons(alkane(6)))
    assert sum(p.numel() for p in model.parameters()) == sum(p.numel() for p in alone.parameters())


def test_many_beads_see_the_nearest():
    topology = alkane(24)
    mapping = pairs_of_carbons(topology)
    model = model_of(mapping, n_neighbours=4)
    beads = model.tables.project(torch.tensor(frames(topology)))
    assert model.edges(beads).neighbours.shape == (5 * 12, 4)
    turn, shift = rotation(1)
    atoms = draw(model, mapping, beads)
    torch.testing.assert_close(draw(model, mapping, beads @ turn + shift), atoms @ turn + shift, atol=1e-4, rtol=0)


def test_atoms_without_weight_rest_on_their_bead():
    """C-alpha mappings: one atom has all the weight, and lies on the bead exactly."""
    topology = alkane(8)
    residues = [np.flatnonzero(topology.residue_of_atom == k) for k in range(8)]
    shares = [np.eye(1, len(group))[0] for group in residues]
    mapping = group_mapping(topology, Groups(residues, "carbons", shares))
    model = model_of(mapping)
    atoms = torch.tensor(frames(topology))
    found = draw(model, mapping, model.tables.project(atoms))
    carbons = topology.elements == "C"
    torch.testing.assert_close(found[:, carbons], atoms[:, carbons], atol=1e-5, rtol=0)
    assert (found - atoms).norm(dim=-1)[:, ~carbons].max() < 10


def test_mappings_that_it_cannot_have():
    topology = alkane(6)
    with pytest.raises(MappingError, match="2 beads have no orientation"):
        model_of(pairs_of_carbons(topology, 3))
    good = pairs_of_carbons(topology)
    args = (good.coarse, topology, "twice")
    doubled = np.append(good.beads[1:], 1), np.append(good.atoms[1:], 0), None, good.bead_of_atom
    weights = np.ones(20) / np.bincount(doubled[0])[doubled[0]]
    with pytest.raises(MappingError, match="rests on another bead"):
        model_of(Mapping(*args, doubled[0], doubled[1], weights, good.bead_of_atom))
    shared = np.append(good.beads, 1), np.append(good.atoms, 0)
    weights = np.ones(21) / np.bincount(shared[0])[shared[0]]
    with pytest.raises(MappingError, match="counts in two beads"):
        model_of(Mapping(*args, *shared, weights, good.bead_of_atom))
