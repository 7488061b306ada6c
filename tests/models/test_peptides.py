"""Peptide angles: strain against a slow twin, pairs drawn anew, the most likely angles."""

import math

import pytest
import torch
from traces import EVERY, angles_for, internal_of, tiny, topology, trace

from mdbackmap.backbone import peptides
from mdbackmap.chemistry import residues
from mdbackmap.geometry.vectors import angle, dihedral, wrap

N, CA, C = range(3)


@pytest.fixture(scope="module")
def molecule():
    internal = internal_of(topology(EVERY, gaps=(9, 30), cis=(20,)))
    return internal, trace(len(EVERY), frames=3, cis=(20,))


def strain_of(internal, beads, torsions):
    """Energies (F, N) as the module's table of constants says, from atoms."""
    atoms = internal.to_cartesian(beads, torsions)
    bend = (angle(*(atoms[..., k, :] for k in (N, CA, C))) - internal.tau).abs()
    energy = ((bend - peptides._BEND[0]).clamp_min(0) / peptides._BEND[1]) ** 2
    behind = atoms[..., C, :].roll(1, 1)
    far = wrap(dihedral(behind, *(atoms[..., k, :] for k in (N, CA, C))) - peptides._PHI[0]).abs()
    proline = internal.types == residues.TYPE_OF_NAME["PRO"]
    energy = energy + proline * ((far - peptides._PHI[1]).clamp_min(0) / peptides._PHI[2]) ** 2
    return torch.where(internal.starts | internal.ends, 0.0, energy)


def test_strain_is_that_of_the_atoms(molecule):
    internal, beads = molecule
    torsions = angles_for(internal).expand(3, -1, -1) + torch.tensor([0.0, 1.0, 2.5])[:, None, None]
    everyone = torch.arange(len(internal.types))
    found = peptides._Strain(internal, beads).of(
        slice(None), everyone, torsions[..., 0].roll(1, 1), torsions[..., 0], (-1,)
    )
    wanted = strain_of(internal, beads, torsions)
    assert (wanted > 1).any()
    assert torch.allclose(found, wanted, atol=1e-2, rtol=1e-3)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_strained_pairs_are_drawn_anew(molecule, temperature, monkeypatch):
    """A network that knows nothing strains many residues; few are left, and the others keep their angles."""
    internal, beads = molecule
    model, hidden = tiny(), torch.zeros(3, len(EVERY), 16)
    uniform = torch.rand(3, len(EVERY), generator=torch.Generator().manual_seed(1))
    drawn = []
    monkeypatch.setattr(peptides, "collisions", lambda *given: (torch.zeros(0, dtype=torch.int64),) * 2)
    with torch.no_grad():
        for rounds in (0, peptides._ROUNDS):
            monkeypatch.setattr(peptides, "_ROUNDS", rounds)
            angles = peptides.draw_peptides(model.heads, internal, beads, hidden, uniform, temperature)
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


def test_most_likely_angles_are_the_peak_of_what_is_drawn(monkeypatch):
    """At temperature 0 the first angle of a chain is the peak of its distribution, smoothed, by brute force."""
    internal, beads = internal_of(topology("AAAA")), trace(4)
    model, hidden = tiny(), torch.randn(1, 4, 16, generator=torch.Generator().manual_seed(2))
    monkeypatch.setattr(peptides, "_ROUNDS", 0)
    with torch.no_grad():
        found = peptides.draw_peptides(model.heads, internal, beads, hidden, None or torch.zeros(1, 4), 0.0)[0, 0]
        many = torch.rand(20_000, 4, generator=torch.Generator().manual_seed(3))
        args = internal, beads.expand(20_000, -1, -1), hidden.expand(20_000, -1, -1)
        angles = peptides.draw_peptides(model.heads, *args, many, 1.0)[:, 0]
    grid = torch.linspace(-math.pi, math.pi, 361)
    score = torch.exp(((grid[:, None] - angles).cos() - 1) / peptides._SMOOTHING**2).mean(1)
    assert abs(math.remainder(float(found - grid[score.argmax()]), 2 * math.pi)) < math.radians(12)


def test_chains_are_walked_together():
    internal = internal_of(topology("A" * 10, gaps=(3, 4)))
    steps = [sorted(step.tolist()) for step in internal.walk]
    assert steps == [[0, 4, 5], [1, 6], [2, 7], [3, 8], [9]]
