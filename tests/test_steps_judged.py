"""Judging cascades: secondary structure, traces, and bounds that add up under one measure."""

import numpy as np
import pytest
import torch
from molecules import model_of
from traces import tiny, topology, trace

from mdbackmap.evaluation.cascades.bounds import bounds
from mdbackmap.evaluation.cascades.secondary import HELIX, NEITHER, STRAND, UNKNOWN, agreement, by_torsions, by_trace
from mdbackmap.evaluation.cascades.trace_quality import judge_trace
from mdbackmap.generation.bound import bind
from mdbackmap.metrics.dihedrals import atom14
from mdbackmap.models.cascade import Cascade
from mdbackmap.molecule.grouping import group_mapping
from mdbackmap.molecule.kinds import groups_of
from mdbackmap.molecule.mapping import Mapping
from mdbackmap.torsions.internal import InternalCoordinates


def built(sequence="ACDEFGHIKLMN", frames=2):
    """A mapping from C-alphas to atoms, and atoms."""
    mapping = Mapping.ca(topology(sequence))
    coarse, ca = mapping.coarse, trace(len(sequence), frames=frames)
    internal = InternalCoordinates(*(torch.tensor(x) for x in (coarse.types, coarse.ends, coarse.cis)))
    torsions = torch.zeros(frames, len(sequence), 6)
    atoms = internal.to_cartesian(ca, torsions).flatten(1, 2)
    return mapping, atoms[:, bind(tiny(), mapping).slots].numpy()


def test_slots_hold_every_atom():
    mapping, atoms = built()
    slots, mask = atom14(mapping.fine, atoms)
    assert mask.sum() == atoms.shape[1]
    np.testing.assert_array_equal(slots[:, mask], atoms)  # residue by residue, in the order of the topology


def test_bounds_of_two_steps_have_the_measure_of_one():
    """Densities at their highest, all widths 1: two steps over C-alphas and one from the same beads are equal."""
    lower, atoms = built()
    ca = lower.coarse
    upper = group_mapping(ca, groups_of("blocks:3", ca))
    one = model_of(upper.then(lower))
    steps = [model_of(upper), model_of(lower)]
    level, total, dimensions = torch.tensor(atoms), 0.0, 0
    for step in (*steps[::-1], one):
        torch.nn.init.zeros_(step.log_width)
    for step in reversed(steps):
        total = total + step.log_density(level, level)
        level = torch.tensor(step.molecule.project(level.numpy()))
    torch.testing.assert_close(total, one.log_density(torch.tensor(atoms), torch.tensor(atoms)), rtol=1e-5, atol=1e-3)
    rows = bounds(Cascade.of(steps), atoms)
    dimensions = [row["dimensions"] for row in rows]
    assert [row["family"] for row in rows] == ["cgvae", "cgvae", "whole"]
    assert dimensions[2] == dimensions[0] + dimensions[1] == bounds(one, atoms)[0]["dimensions"]
    assert rows[2]["elbo"] == pytest.approx(rows[0]["elbo"] + rows[1]["elbo"])


def test_c_alphas_have_a_density_of_their_own_in_a_single_step():
    """Beads made of C-alphas alone: the density of the C-alphas is that of a step that ends with them."""
    lower, atoms = built()
    ca = lower.coarse
    upper = group_mapping(ca, groups_of("blocks:3", ca))
    one, first = model_of(upper.then(lower)), model_of(upper)
    alphas = torch.tensor(lower.fine.names == "CA")
    for step in (one, first):
        torch.nn.init.constant_(step.log_width, -0.7)
    true = torch.tensor(atoms)
    decoded = one.draw(one.tables.project(true), torch.zeros(len(true), upper.n_beads, one.config.n_latent)).detach()
    own = one.log_density(true, decoded, alphas)
    torch.testing.assert_close(own, first.log_density(true[:, alphas], decoded[:, alphas]), rtol=1e-4, atol=1e-2)
    with pytest.raises(ValueError, match="count in a bead are left out"):
        one.log_density(true, decoded, ~alphas)
    row = bounds(one, atoms)[-1]
    assert row["family"] == "C-alphas" and row["measure"] == "angstrom"
    assert row["dimensions"] == bounds(Cascade.of([first, tiny()]), atoms)[0]["dimensions"] == 3 * (12 - 4)
    assert row["kl"] == pytest.approx(bounds(one, atoms)[0]["kl"])


def test_measures_are_not_mixed():
    _, atoms = built()
    ca = topology("ACDEFGHIKLMN")
    rows = bounds(Cascade.of([model_of(group_mapping(ca, groups_of("blocks:3", ca))), tiny()]), atoms)
    assert [row["measure"] for row in rows] == ["angstrom", "radian"]
    assert rows[1]["dimensions"] > 0 and all(np.isfinite(row["elbo"]) for row in rows)


def test_secondary_structure_by_torsions():
    """Ideal helix and strand, built from phi and psi by way of their definition."""
    from mdbackmap.metrics.dihedrals import _place

    def peptide(phi, psi, n=6):
        atoms = [np.array([0.0, 0, 0]), np.array([1.46, 0, 0]), np.array([2.0, 1.4, 0])]
        for _ in range(n - 1):
            for length, angle, torsion in ((1.33, 116.6, psi), (1.46, 121.7, 180.0), (1.52, 111.0, phi)):
                a, b, c = (x[None] for x in atoms[-3:])
                atoms.append(_place(a, b, c, length, np.radians(angle), np.radians(torsion))[0])
        out = np.zeros((1, n, 14, 3))
        out[0, :, :3] = np.reshape(atoms, (n, 3, 3))
        return out

    mask, ends = np.zeros((6, 14), dtype=bool), np.arange(6) == 5
    mask[:, :3] = True
    for phi, psi, kind in ((-60, -45, HELIX), (-120, 130, STRAND), (60, 45, NEITHER)):
        found = by_torsions(peptide(phi, psi), mask, ends)
        assert found[0].tolist() == [UNKNOWN, *[kind] * 4, UNKNOWN]
        assert by_trace(peptide(phi, psi)[:, :, 1], ends)[0, 1:3].tolist() == [kind] * 2
        assert agreement(found, found) == 100.0


def test_traces_that_are_no_good_are_seen():
    sound = np.array([[[3.8 * k, 0, 0] for k in range(6)]])
    ends = np.array([False, False, True, False, False, True])
    broken = sound.copy()
    broken[0, 1, 0] += 1.0
    row = judge_trace(broken, sound, ends)
    assert row["ca_bonds"] == 50.0 and row["rmsd_ca"] == pytest.approx(np.sqrt(1 / 6))
    folded = sound.copy()
    folded[0, 5] = folded[0, 0] + [0, 3.0, 0]
    assert judge_trace(folded, sound, ends)["ca_apart"] == pytest.approx(100 * 4 / 6)
    across = np.array([[[0.0, 0, 0], [2.95, 0, 0]]])
    assert judge_trace(across, across, np.array([False, True]), [True, False])["ca_bonds"] == 100.0
