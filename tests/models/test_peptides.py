"""Peptide angles: strain against a slow twin, pairs drawn anew, the most likely angles."""

import math

import pytest
import torch
from traces import EVERY, angles_for, internal_of, tiny, topology, trace

from mdbackmap.backbone import peptides
from mdbackmap.backbone.bending import Strain
from mdbackmap.backbone.settings import BackboneSettings, CollisionSettings
from mdbackmap.chemistry import residues
from mdbackmap.generation.conformation import Conformation
from mdbackmap.geometry.vectors import angle, dihedral, wrap
from mdbackmap.models.genzprot import GenZProt, GenZProtConfig
from mdbackmap.torsions import circular
from mdbackmap.traces.relaxation import Relaxation

N, CA, C = range(3)


@pytest.fixture(scope="module")
def molecule():
    internal = internal_of(topology(EVERY, gaps=(9, 30), cis=(20,)))
    return internal, trace(len(EVERY), frames=3, cis=(20,))


def strain_of(internal, beads, torsions):
    """Energies (F, R) as the settings say, from atoms."""
    settings = BackboneSettings()
    atoms = internal.to_cartesian(beads, torsions)
    bend = (angle(*(atoms[..., k, :] for k in (N, CA, C))) - internal.tau).abs()
    energy = ((bend - settings.bend).clamp_min(0) / settings.bend_width) ** 2
    behind = atoms[..., C, :].roll(1, 1)
    far = wrap(dihedral(behind, *(atoms[..., k, :] for k in (N, CA, C))) - settings.proline_phi).abs()
    proline = internal.types == residues.TYPE_OF_NAME["PRO"]
    energy = energy + proline * ((far - settings.proline_turn).clamp_min(0) / settings.proline_width) ** 2
    return torch.where(internal.starts | internal.ends, 0.0, energy)


def test_strain_is_that_of_the_atoms(molecule):
    internal, beads = molecule
    torsions = angles_for(internal).expand(3, -1, -1) + torch.tensor([0.0, 1.0, 2.5])[:, None, None]
    everyone = torch.arange(len(internal.types))
    found = Strain(internal, beads, BackboneSettings()).of(
        slice(None), everyone, torsions[..., 0].roll(1, 1), torsions[..., 0], (-1,)
    )
    wanted = strain_of(internal, beads, torsions)
    assert (wanted > 1).any()
    assert torch.allclose(found, wanted, atol=1e-2, rtol=1e-3)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_strained_pairs_are_drawn_anew(molecule, temperature):
    """A network that knows nothing strains many residues; few are left, and the others keep their angles."""
    internal, beads = molecule
    model, hidden = tiny(), torch.zeros(3, len(EVERY), 16)
    uniform = torch.rand(3, len(EVERY), generator=torch.Generator().manual_seed(1))
    drawn = []
    with torch.no_grad():
        for rounds in (0, 3):
            settings = BackboneSettings(CollisionSettings(touching=0.0), rounds=rounds)
            angles = peptides.draw_peptides(
                model.heads, Conformation.of(internal, beads), hidden, uniform, temperature, settings
            )
            drawn.append(torch.cat([angles.unsqueeze(-1), torch.zeros(3, len(EVERY), 5)], -1))
    before, after = (strain_of(internal, beads, torsions) > 1 for torsions in drawn)
    assert before.sum() > 5
    assert after.sum() < 0.5 * before.sum()
    near = before | before.roll(-1, 1) | before.roll(1, 1) | before.roll(2, 1) | before.roll(-2, 1)
    assert torch.equal(drawn[0][~near], drawn[1][~near])


def test_levels_are_spread_evenly_and_do_not_depend_on_the_length():
    levels = peptides.levels_of(8, 5, 2)
    assert torch.allclose(levels.sort(0).values, ((torch.arange(8) + 0.5) / 8)[:, None, None].expand(8, 5, 2))
    assert torch.equal(peptides.levels_of(8, 9, 2)[:, :5], levels)


def test_most_likely_angles_are_the_peak_of_what_is_drawn():
    """At temperature 0 the first angle of a chain is the peak of its distribution, smoothed, by brute force."""
    internal, beads = internal_of(topology("AAAA")), trace(4)
    model, hidden = tiny(), torch.randn(1, 4, 16, generator=torch.Generator().manual_seed(2))
    settings = BackboneSettings(rounds=0)

    def draw(n, uniform, temperature):
        given = Conformation.of(internal, beads.expand(n, -1, -1)), hidden.expand(n, -1, -1), uniform
        return peptides.draw_peptides(model.heads, *given, temperature, settings)

    with torch.no_grad():
        found = draw(1, torch.zeros(1, 4), 0.0)[0, 0]
        many = torch.rand(20_000, 4, generator=torch.Generator().manual_seed(3))
        angles = draw(20_000, many, 1.0)[:, 0]
    grid = torch.linspace(-math.pi, math.pi, 361)
    score = torch.exp(((grid[:, None] - angles).cos() - 1) / settings.smoothing**2).mean(1)
    assert abs(math.remainder(float(found - grid[score.argmax()]), 2 * math.pi)) < math.radians(12)


@pytest.mark.parametrize("temperature", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("guided", [False, True])
def test_the_compiled_walk_is_the_reference(molecule, monkeypatch, temperature, guided):
    """Of chains with gaps, prolines and cis peptides, for distributions that are sharp and flat."""
    pytest.importorskip("numba")
    internal, beads = molecule
    torch.manual_seed(4)
    model = GenZProt(GenZProtConfig(n_features=16, n_layers=1, n_bins=72))
    hidden = 5 * torch.randn(3, len(EVERY), 16) * torch.rand(3, 1, 1)
    guide = Relaxation(internal).strain.guide(beads.double(), torch.tensor([1.0, 0.2, 0.0])) if guided else None
    uniform, ways = torch.rand(3, 4, len(EVERY)).clamp(1e-6, 1 - 1e-6), []
    with torch.no_grad():
        chains = peptides._Chains.of(model.heads, Conformation.of(internal, beads), hidden, BackboneSettings())
        for compiled in (False, True):
            for module in (peptides, circular):
                monkeypatch.setattr(module, "suits", lambda *tensors, compiled=compiled: compiled)
            ways.append(chains.walk(uniform, temperature, guide))
    (angles, shares), (compiled_angles, compiled_shares) = ways
    assert wrap(compiled_angles - angles).abs().max() < 2e-3
    assert torch.allclose(compiled_shares, shares, atol=2e-4)


def test_chains_are_walked_together():
    internal = internal_of(topology("A" * 10, gaps=(3, 4)))
    steps = [sorted(step.tolist()) for step in internal.walk]
    assert steps == [[0, 4, 5], [1, 6], [2, 7], [3, 8], [9]]
