"""`traces`: derivatives, tables, peptides solved exactly, and what a relaxation keeps."""

import dataclasses
import itertools
import math

import MDAnalysis as mda
import numpy as np
import pytest
import torch
from traces import internal_of, rotation, topology, trace

from mdbackmap import load_model
from mdbackmap.data.known import read_chains
from mdbackmap.datafiles import CALVADOS_PDB, CALVADOS_XTC, GO_PDB, GO_XTC, VALIDATION
from mdbackmap.geometry.vectors import angle, dihedral, smooth_step
from mdbackmap.options import AUTO_LIMIT, Tolerance
from mdbackmap.recognition.recognise import recognise
from mdbackmap.traces.angles import TraceAngles, coordinates
from mdbackmap.traces.crowding import Crowd
from mdbackmap.traces.descent import within
from mdbackmap.traces.energies import Backbone, TracePrior
from mdbackmap.traces.relaxation import Relaxation
from mdbackmap.traces.settings import DEFAULTS, Crowding
from mdbackmap.traces.strain import Strain
from mdbackmap.traces.viterbi import _Circle


def coarse_frames(topology_file, trajectory, n_frames):
    """The molecule and some frames (F, N, 3) of a coarse trajectory."""
    u = mda.Universe(topology_file, trajectory)
    indices, coarse, _ = recognise(u.atoms)
    numbers = np.linspace(0, len(u.trajectory) - 1, n_frames).astype(int)
    return coarse, torch.tensor(np.stack([u.trajectory[k].positions[indices] for k in numbers]))


@pytest.fixture(scope="module")
def go():
    coarse, beads = coarse_frames(GO_PDB, GO_XTC, 3)
    return Relaxation(internal_of(coarse)), beads


@pytest.fixture(scope="module")
def relaxed(go):
    relaxation, beads = go
    return relaxation(beads, Tolerance(0.5))[0]


def rms(one, other):
    return (one - other).square().sum(-1).mean(-1).sqrt()


class TestDerivatives:
    def test_angles_are_those_of_geometry(self):
        x = trace(9, 1, dtype=torch.float64)[0]
        found = TraceAngles(x)
        torch.testing.assert_close(found.angle[1:-1], angle(x[:-2], x[1:-1], x[2:]))
        torch.testing.assert_close(found.torsion[1:-2], dihedral(x[:-3], x[1:-2], x[2:-1], x[3:]))

    def test_forces_are_derivatives(self):
        x = trace(12, 2, dtype=torch.float64)[0].requires_grad_()
        weights = torch.randn(3, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        weights[0, -1:] = weights[1, [0, -1]] = weights[2, [0, -1, -2]] = 0.0
        found = TraceAngles(x)
        energy = (torch.stack([found.length, found.angle, found.torsion]) * weights).sum()
        (expected,) = torch.autograd.grad(energy, x)
        torch.testing.assert_close(found.forces(*weights), expected)

    def test_what_holds_beads_yields_where_a_model_knows_no_angles(self):
        """Hardly in the Go model; in CALVADOS nearly everywhere, but not in a helix that is joined to it."""
        of, share = {}, {}
        for name, files in {"go": (GO_PDB, GO_XTC), "calvados": (CALVADOS_PDB, CALVADOS_XTC)}.items():
            coarse, beads = coarse_frames(*files, 3)
            of[name] = Relaxation(internal_of(coarse)), beads.double()
            share[name] = of[name][0].strain.angleless(of[name][1])
        assert share["go"].mean() < 0.02 and share["calvados"].mean() > 0.8
        relaxation, beads = of["calvados"]
        crowd = relaxation.slopes(beads, torch.ones(len(beads))).crowd
        a, b, shift, _ = crowd.together
        flat = beads.flatten(0, 1)
        apart = (flat[b] - flat[a] + shift).norm(dim=-1)
        held = crowd.holding[(apart > 9) & (apart < 11)]  # neither in contact nor fading out
        assert held.min().item() == pytest.approx(0.2 * DEFAULTS.relaxing.cohesion)
        turns = torch.arange(60, dtype=torch.float64) * math.radians(100)
        helix = torch.stack([2.3 * turns.cos(), 2.3 * turns.sin(), 1.5 * torch.arange(60)], -1)
        beads[:, :60] = helix - helix[-1] + beads[:, 60:61] + 2.2
        share = relaxation.strain.angleless(beads)
        assert (share[:, :40] == 0).all() and share[:, 80:].mean() > 0.7

    def test_crowding(self):
        coarse = topology("MKVLAGTSDEFWPA", "A" * 7 + "B" * 7)
        start = 0.7 * trace(14, 3, frames=2, dtype=torch.float64)
        held = torch.full((2, 14), 2.0), torch.full((2, 14), 5.0)
        crowd = Crowd(internal_of(coarse), start, Crowding(stiffness=20.0), *held)
        x = (
            start + 0.2 * torch.randn(start.shape, generator=torch.Generator().manual_seed(1)).double()
        ).requires_grad_()
        sites, flat = crowd.sites(coordinates(x)).flatten(1).T, x.flatten(0, 1)
        first, second, shift, least = crowd.apart
        a, b, moved, rest = crowd.together
        assert len(first) and len(a)
        short = (least - (sites[second] - sites[first] + shift).norm(dim=-1)).clamp_min(0)
        changed = (flat[b] - flat[a] + moved).norm(dim=-1) - rest
        was = (start.flatten(0, 1)[b] - start.flatten(0, 1)[a] + moved).norm(dim=-1)
        within = 1 - smooth_step(was, 11.0, 12.0)
        touching = smooth_step(was, 5.0, 6.0) * (1 - smooth_step(was, 7.5, 8.5))
        holding = within * (2.0 + 3.0 * touching)
        assert ((was > 6) & (was < 7.5)).any() and ((was > 8.5) & (was < 11)).any()
        holding = torch.where(changed > 0, 2.0, 1.0) * holding
        (expected,) = torch.autograd.grad(20 * short.square().sum() + (holding * changed.square()).sum(), x)
        torch.testing.assert_close(crowd.slopes(x.detach()), expected)

    @pytest.mark.parametrize("which", ["prior", "backbone"])
    def test_tables(self, which):
        internal = internal_of(topology("GAPVLKIS"))
        table = (
            TracePrior(internal.types) if which == "prior" else Backbone(internal.types, internal.ends, internal.cis)
        )
        drawn = torch.rand(3, 5, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
        points = [
            1.3 + 1.4 * drawn[0],
            6 * drawn[1] - 3,
            1.3 + 1.4 * drawn[2] if which == "prior" else 6 * drawn[2] - 3,
        ]
        _, *slopes = table(*points)
        for k, slope in enumerate(slopes):
            ahead, back = ([p + (j == k) * h for j, p in enumerate(points)] for h in (1e-6, -1e-6))
            difference = (table(*ahead)[0] - table(*back)[0]) / 2e-6
            assert ((difference - slope).abs() < 1e-4).double().mean() > 0.99  # but for points next to a grid line


def test_backbone_knows_what_is_built():
    """Residues that the tables find good are in favoured regions, with N-CA-C as it should be, in the atoms built."""
    from mdbackmap.metrics.dihedrals import backbone_torsions
    from mdbackmap.traces.energies import backbone_angles

    coarse = topology("AKSVTAKLMA")
    internal, ca = internal_of(coarse), trace(10, 5, 3.8, 3.8, dtype=torch.float64)
    torsions = 6 * torch.rand(1, 10, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(3)) - 3
    atoms = internal.to_cartesian(ca, torsions)
    phi, psi, _ = backbone_torsions(atoms.numpy(), np.ones((10, 14), bool), coarse.ends)
    tau = angle(atoms[..., 0, :], atoms[..., 1, :], atoms[..., 2, :])
    found = Strain(internal).angles(ca)
    before = (torsions[..., 0] - found.torsion).roll(1, -1)
    at = [((found.angle[0] - math.radians(60)) / (math.radians(120) - 0.01) * 30), *(
        (v[0] + math.pi) / (2 * math.pi) * 72 for v in (before, torsions[..., 0]))]  # fmt: skip
    index = [v.round().long() for v in at]
    index = (index[0], index[1] % 72, index[2] % 72)
    for table, true in zip(backbone_angles(False, False), (phi[0], psi[0], tau[0].numpy()), strict=True):
        apart = np.abs((table[index].numpy() - true + math.pi) % (2 * math.pi) - math.pi)[1:-1]
        assert np.degrees(apart).max() < 12  # half a bin in each of three directions


def test_best_turns_are_the_best():
    """Against all combinations, on a grid of twelve turns."""
    internal = internal_of(topology("AVGSKL", "AAAABB"))
    turning = dataclasses.replace(DEFAULTS.turning, bins=12)
    strain, ca = Strain(internal, dataclasses.replace(DEFAULTS, turning=turning)), trace(6, 4, dtype=torch.float64)
    angles = strain.angles(ca)
    found = strain.best_turns(angles)
    grid = torch.arange(12, dtype=torch.float64) * (2 * math.pi / 12) - math.pi
    steps = 12 / (2 * math.pi) * angles.torsion[0, :2, None]
    one, two = strain.backbone.maps(angles.angle, 12)(torch.tensor([1, 2]))[:, 0]
    one, two = (
        _Circle(-step.float().expand(1, 12), 12).shifted(table.T[None], torch.tensor([0]))[0].T
        for table, step in zip((one, two), steps, strict=True)
    )  # by own turns
    energies = {(a, b, c): float(one[a, b] + two[b, c]) for a, b, c in itertools.product(range(12), repeat=3)}
    best = torch.tensor(min(energies, key=energies.get))
    off = (found[0, :3] - grid[best]).abs()
    assert (torch.minimum(off, 2 * math.pi - off) <= math.pi / 12 + 1e-6).all()  # half a step: refined by a parabola
    assert found[0, 3] == found[0, 5] == 0


class TestRelaxation:
    @pytest.mark.parametrize("tolerance", [0.1, 0.5])
    def test_tolerance_holds_in_every_frame(self, go, tolerance):
        relaxation, beads = go
        moved = rms(relaxation(beads, Tolerance(tolerance))[0], beads)
        assert (moved <= tolerance * (1 + 1e-6)).all() and (moved > 0.5 * tolerance).all()

    def test_backbones_fit_better(self, go, relaxed):
        relaxation, beads = go
        before, after = (relaxation.strain.of(relaxation.strain.angles(x))[0].mean() for x in (beads.double(), relaxed))
        assert after < 0.65 * before

    def test_batches_and_order_do_not_matter(self, go, relaxed):
        relaxation, beads = go
        alone = torch.cat([relaxation(beads[k : k + 1], Tolerance(0.5))[0] for k in (2, 0, 1)])
        torch.testing.assert_close(alone[[1, 2, 0]], relaxed, atol=1e-3, rtol=0)

    def test_samples_of_a_frame_have_the_same_beads(self, go, relaxed):
        relaxation, beads = go
        found = relaxation(beads[[0, 0, 1, 1]], Tolerance(0.5))[0]
        torch.testing.assert_close(found, relaxed[[0, 0, 1, 1]], atol=1e-3, rtol=0)

    def test_turns_with_the_input(self, go, relaxed):
        relaxation, beads = go
        turn, shift = rotation(3, torch.float64)
        found = relaxation(beads.double() @ turn + shift, Tolerance(0.5))[0]
        off = (found - (relaxed @ turn + shift)).norm(dim=-1)  # steps end on a grid that does not turn along
        assert off.median() < 0.01 and off.max() < 0.2

    def test_distances_along_the_chain(self, go):
        relaxation, _ = go
        coarse, beads = coarse_frames(CALVADOS_PDB, CALVADOS_XTC, 1)
        moved = Relaxation(internal_of(coarse))(beads, Tolerance(AUTO_LIMIT))[0]
        length = (moved[:, 1:] - moved[:, :-1]).norm(dim=-1)
        assert ((length - 3.8).abs() < 0.15).all()

    def test_cis_breaks_and_ends_are_respected(self):
        coarse = topology("AVGKSTPLAVKSTE", "A" * 9 + "B" * 5, gaps=[3], cis=[5])
        beads = trace(14, 6, cis=[5], dtype=torch.float64)
        for at in (4, 9):
            beads[:, at:] += torch.tensor([0.0, 0.0, 9.0], dtype=torch.float64)
        moved = Relaxation(internal_of(coarse))(beads, Tolerance(0.6))[0]
        length = (moved[0, 1:] - moved[0, :-1]).norm(dim=-1)
        assert abs(length[5] - 2.95) < 0.15 and abs(length[0] - 3.8) < 0.15
        apart = (beads[0, 1:] - beads[0, :-1]).norm(dim=-1)
        assert (length[[3, 8]] - apart[[3, 8]]).abs().max() < 2.5 and (length[[3, 8]] > 4.5).all()

    @pytest.mark.parametrize("sequence", ["A", "AG", "AGA", "AGAV"])
    def test_short_chains(self, sequence):
        beads = trace(len(sequence), 7)
        relaxation = Relaxation(internal_of(topology(sequence)))
        moved = relaxation(beads, Tolerance(0.5))[0]
        assert torch.isfinite(moved).all() and rms(moved, beads) <= 0.5 + 1e-6
        before, after = (relaxation.strain.excess(x.double()) for x in (beads, moved))
        assert (after <= before + 1e-6).all()

    def test_periodic_images_count(self):
        """Two chains that overlap only across the boundary are pushed apart as they are where they overlap at once."""
        coarse = topology("AVKSTEAVKSTE", "A" * 6 + "B" * 6)
        beads = trace(12, 8, dtype=torch.float64)
        beads[:, 6:] = beads[:, :6] + torch.tensor([0.0, 0.0, 3.0])
        relaxation, box = Relaxation(internal_of(coarse)), 80.0 * torch.eye(3)[None]
        moved = relaxation(beads, Tolerance(0.5))[0]
        far = beads.clone()
        far[:, 6:] += torch.tensor([80.0, 0.0, 0.0])
        boxed = relaxation(far, Tolerance(0.5), box)[0]
        boxed[:, 6:] -= torch.tensor([80.0, 0.0, 0.0])
        torch.testing.assert_close(boxed, moved, atol=1e-3, rtol=0)


class TestSettings:
    def test_they_are_passed_on(self, go):
        """Without steps beads stay; with softer bonds neighbours are further off their distance."""
        relaxation, beads = go
        still = dataclasses.replace(DEFAULTS.relaxing, prior_steps=0, joint_steps=0)
        soft = dataclasses.replace(DEFAULTS.relaxing, bond=5.0)
        tried = [DEFAULTS, *(dataclasses.replace(DEFAULTS, relaxing=relaxing) for relaxing in (still, soft))]
        usual, kept, loose = (Relaxation(relaxation.internal, one)(beads[:1], Tolerance(0.5))[0] for one in tried)
        torch.testing.assert_close(kept, beads[:1].double())
        off = [((x[:, 1:] - x[:, :-1]).norm(dim=-1) - 3.8).abs().mean() for x in (loose, usual)]
        assert off[0] > 1.5 * off[1]

    def test_nothing_is_kept_between_calls(self, go):
        """So threads may share a relaxation. Arrays of the molecule alone are made by the first call."""
        relaxation, beads = go
        relaxation(beads[1:], Tolerance(0.5))
        held = [relaxation, relaxation.strain, relaxation.strain.backbone, relaxation.strain.prior]
        before = [{name: id(value) for name, value in vars(one).items()} for one in held]
        tables = relaxation.strain.backbone.table.clone()
        relaxation(beads[:1], Tolerance(0.5))
        relaxation.ease(beads[:1], lambda at, _: at)
        assert [{name: id(value) for name, value in vars(one).items()} for one in held] == before
        assert torch.equal(relaxation.strain.backbone.table, tables)


class TestAuto:
    def test_crystals_are_kept_to_the_last_bit(self):
        for chain in read_chains(VALIDATION, limit=4):
            beads = torch.tensor(chain.beads, dtype=torch.float32)
            moved, tolerances, guide = Relaxation(internal_of(chain.trace()))(beads, Tolerance.of("auto"))
            assert torch.equal(moved, beads) and guide is None and (tolerances == 0).all()

    def test_frames_are_judged_one_by_one(self):
        """A crystal trace beside the same with every bead astray: one is kept, the other moves."""
        chain = read_chains(VALIDATION, limit=1)[0]
        noise = torch.randn(chain.beads.shape[1:], generator=torch.Generator().manual_seed(0))
        beads = torch.tensor(chain.beads[0], dtype=torch.float32)
        both = torch.stack([beads, beads + 0.8 * noise])
        moved, tolerances, guide = Relaxation(internal_of(chain.trace()))(both, Tolerance.of("auto"))
        assert torch.equal(moved[0].float(), beads) and tolerances[0] == 0 and guide.strength.tolist() == [0, 1]
        assert 0.2 < rms(moved, both)[1] <= AUTO_LIMIT + 1e-6


@pytest.mark.parametrize("files", [(GO_PDB, GO_XTC), (CALVADOS_PDB, CALVADOS_XTC)])
def test_neighbours_of_settled_traces_are_at_their_distance(files):
    """Whatever springs the coarse model had, and wherever else the beads are pulled."""
    u = mda.Universe(*files)
    model = load_model("genzprot", u.atoms)
    beads = np.stack([u.trajectory[k].positions for k in range(6)])
    came, atoms = np.linalg.norm(np.diff(beads, axis=1), axis=-1), model.sample(beads, range(6), bead_tolerance=0.9)
    lengths = np.linalg.norm(np.diff(atoms[:, model.mapping.fine.names == "CA"], axis=1), axis=-1)
    assert np.abs(came - 3.8).max() > 0.15
    assert np.abs(lengths - 3.8).max() < 0.1


def test_lengths_out_of_reach_are_left_alone(go):
    """A chain that a periodic boundary cuts is not pulled together."""
    relaxation, beads = go
    torn = beads.double().clone()
    torn[:, 20:] += 30.0
    right = relaxation.strain.put_right(torn)
    assert (right[:, 20] - right[:, 19]).norm(dim=-1).min() > 25
    joined = torch.arange(55) != 19
    assert ((right[:, 1:] - right[:, :-1]).norm(dim=-1)[:, joined] - 3.8).abs().max() < 0.1


def test_within_draws_back():
    start = torch.zeros(2, 5, 3)
    moved = torch.stack([torch.full((5, 3), 2.0), torch.full((5, 3), 0.1)])
    held = within(start, moved, torch.tensor([0.5, 0.5]))
    torch.testing.assert_close(rms(held, start), torch.tensor([0.5, 0.1 * 3**0.5]))
    assert torch.equal(within(start, moved, torch.zeros(2)), start)
