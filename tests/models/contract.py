"""
What every model family keeps, as a class of tests to inherit.

A family's test class gives three fixtures: `model` (small, untrained will do), `coarse` (a molecule of several
stretches, each of three residues or more: shorter ones have no orientation of their own) and `beads` (F, N, 3).
"""

import copy
import pickle

import numpy as np
import pytest
import torch
from traces import rotation

from mdbackmap import checkpoint
from mdbackmap.generation.bound import bind
from mdbackmap.generation.noise import Noise
from mdbackmap.options import Keys


def draw(model, mapping, beads, frames=None, samples=0, times=None, noise=None, **options):
    """Atoms (F, A, 3); frames are numbered from 0."""
    frames = list(range(len(beads))) if frames is None else list(frames)
    samples = [samples] * len(beads) if isinstance(samples, int) else samples
    times = [0.0] * len(beads) if times is None else times
    return bind(model, mapping).sample(beads, noise or Noise(seed=5), Keys(frames, samples, times), **options)


def differing(one, other, mapping, tolerance=0.01):
    """Share of the residues (all frames) with an atom that lies elsewhere by more than `tolerance` angstrom."""
    apart = (one - other).norm(dim=-1) > tolerance  # (F, A)
    owner = torch.tensor(mapping.fine.residue_of_atom)
    count = torch.zeros(len(apart), mapping.fine.n_residues).index_add(1, owner, apart.float())
    return float((count > 0).float().mean())


class ModelContract:
    """Inherit, and name the class `Test...`."""

    rounding = 0.005  # share of residues that rounding may turn into another draw
    furthest = 10.0  # angstrom of an atom from its bead
    nearest = 0.6  # angstrom of an atom from any other: half a bond, for side chains of untrained networks cross

    @pytest.fixture
    def mapping(self, model, coarse):
        return model.mapping(coarse)

    def test_shape_and_finite(self, model, mapping, beads):
        atoms = draw(model, mapping, beads)
        assert atoms.shape == (len(beads), mapping.n_atoms, 3) and atoms.dtype == torch.float32
        assert torch.isfinite(atoms).all()

    def test_beads_are_kept(self, model, mapping, beads):
        atoms = draw(model, mapping, beads).numpy()
        np.testing.assert_allclose(mapping.project(atoms), beads.numpy(), atol=1e-3)

    def test_atoms_surround_their_bead(self, model, mapping, beads):
        """Far from the origin nothing is left there, and no atom lies on another."""
        atoms = draw(model, mapping, beads + 300.0)
        bead = (beads + 300.0)[:, torch.tensor(mapping.bead_of_atom)]
        assert (atoms - bead).norm(dim=-1).max() < self.furthest
        apart = (atoms[:, :, None] - atoms[:, None]).norm(dim=-1) + 9.0 * torch.eye(mapping.n_atoms)
        assert apart.min() > self.nearest, apart.min()

    def test_atoms_turn_and_move_with_the_beads(self, model, mapping, beads):
        turn, shift = rotation(7)
        atoms, moved = draw(model, mapping, beads), draw(model, mapping, beads @ turn + shift)
        assert differing(moved, atoms @ turn + shift, mapping) <= self.rounding

    def test_a_mirrored_trace_gives_other_torsions(self, model, mapping, beads):
        """The mirror image of the beads does not give the mirror image of the atoms."""
        mirror = torch.tensor([1.0, 1.0, -1.0])
        atoms, mirrored = draw(model, mapping, beads), draw(model, mapping, beads * mirror)
        assert differing(mirrored * mirror, atoms, mapping) > 0.9

    def test_eight_at_once_are_eight_one_by_one(self, model, mapping, beads):
        eight = beads.repeat(8, 1, 1)[:8] + 0.05 * torch.arange(8)[:, None, None]
        frames, samples = [3, 1, 4, 1, 5, 9, 2, 6], [0, 1, 0, 2, 0, 0, 7, 0]
        together = draw(model, mapping, eight, frames, samples)
        alone = [draw(model, mapping, eight[i : i + 1], frames[i : i + 1], samples[i : i + 1]) for i in range(8)]
        assert differing(together, torch.cat(alone), mapping) <= self.rounding
        back = draw(model, mapping, eight.flip(0), frames[::-1], samples[::-1]).flip(0)
        assert differing(together, back, mapping) <= self.rounding

    def test_same_seed_same_atoms(self, model, mapping, beads):
        assert torch.equal(draw(model, mapping, beads), draw(model, mapping, beads))

    def test_what_the_noise_is_keyed_by_matters(self, model, mapping, beads):
        one = draw(model, mapping, beads)
        for other in (
            draw(model, mapping, beads, noise=Noise(seed=6)),
            draw(model, mapping, beads, frames=range(10, 10 + len(beads))),
            draw(model, mapping, beads, samples=1),
        ):
            assert differing(one, other, mapping) > 0.9

    def test_sampling_leaves_the_global_state_alone(self, model, mapping, beads):
        torch.manual_seed(1)
        expected = torch.rand(3)
        torch.manual_seed(1)
        draw(model, mapping, beads)
        assert torch.equal(torch.rand(3), expected)

    def test_temperature_zero_knows_no_seed(self, model, mapping, beads):
        cold = [
            draw(model, mapping, beads, samples=sample, noise=Noise(seed=seed, temperature=0.0))
            for seed, sample in ((0, 0), (9, 3))
        ]
        assert differing(*cold, mapping) == 0.0

    def test_lower_temperature_spreads_less(self, model, mapping, beads):
        spread = []
        for temperature in (0.2, 1.0):
            noise = Noise(temperature=temperature)
            atoms = torch.stack([draw(model, mapping, beads, samples=k, noise=noise) for k in range(4)])
            spread.append(atoms.std(0).mean())
        assert spread[0] < spread[1]

    def test_frames_near_in_time_are_alike(self, model, mapping, beads):
        still = beads[:1].expand(3, -1, -1)
        noise = Noise(correlation_time=100.0)
        a, b, c = draw(model, mapping, still, frames=[0, 1, 2], times=[0.0, 1.0, 5000.0], noise=noise)
        assert (a - b).norm(dim=-1).median() < 0.5 * (a - c).norm(dim=-1).median()

    def test_a_huge_box_is_no_box(self, model, mapping, beads):
        boxes = torch.eye(3).repeat(len(beads), 1, 1) * 1e5
        assert differing(draw(model, mapping, beads), draw(model, mapping, beads, box=boxes), mapping) <= self.rounding

    def test_bfloat16_is_near(self, model, mapping, beads):
        """The network in half precision: other draws now and then, but beads and bonds as exact as ever."""
        atoms = draw(model, mapping, beads)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            lower = draw(model, mapping, beads)
        assert lower.dtype == torch.float32 and torch.isfinite(lower).all()
        a, b = torch.tensor(mapping.fine.bonds).T
        bonds = [(x[:, a] - x[:, b]).norm(dim=-1) for x in (atoms, lower)]
        closing = (mapping.fine.resnames[mapping.fine.residue_of_atom] == "PRO") & (mapping.fine.names == "CG")
        closing = torch.from_numpy(closing[a] | closing[b])  # stretched on traces that no protein has, by where N is
        off = (bonds[0] - bonds[1]).abs()
        assert off[:, ~closing].max() < 0.005 and not (off[:, closing] > 0.05).any()
        assert (atoms - lower).norm(dim=-1).median() < 0.5
        np.testing.assert_allclose(mapping.project(lower.numpy()), beads.numpy(), atol=1e-3)

    @pytest.mark.parametrize("how", ["pickle", "deepcopy", "checkpoint"])
    def test_copies_are_equal(self, model, mapping, beads, how, tmp_path):
        atoms = draw(model, mapping, beads)
        if how == "pickle":
            other = pickle.loads(pickle.dumps(model))
        elif how == "deepcopy":
            other = copy.deepcopy(model)
        else:
            checkpoint.save(tmp_path / "model.pt", model, {})
            other, _ = checkpoint.load(tmp_path / "model.pt")
        assert torch.equal(draw(other, other.mapping(mapping.coarse), beads), atoms)

    def test_molecules_take_turns(self, model, mapping, coarse, beads):
        """What a model keeps of one molecule does not get into the next."""
        atoms = draw(model, mapping, beads)
        half = coarse.n_atoms // 2
        part = type(coarse)(
            **{name: getattr(coarse, name)[:half] for name in vars(coarse) if name not in ("bonds", "ends")},
            ends=np.append(coarse.ends[: half - 1], True),
        )
        draw(model, model.mapping(part), beads[:, :half])
        assert torch.equal(draw(model, mapping, beads), atoms)

    def test_lone_and_paired_beads(self, model, coarse):
        """A residue alone, two in a row, and beads on top of each other: numbers everywhere."""
        lonely = type(coarse)(
            **{name: getattr(coarse, name)[:4] for name in vars(coarse) if name not in ("bonds", "ends", "cis")},
            ends=[True, False, True, True],
        )
        beads = torch.tensor([[[5.0, 5, 5], [12, 5, 5], [15.8, 5, 5], [30, 30, 30]], [[5.0, 5, 5]] * 4])
        mapping = model.mapping(lonely)
        atoms = draw(model, mapping, beads)
        assert torch.isfinite(atoms).all()
        apart = (atoms - beads[:, torch.tensor(mapping.bead_of_atom)]).norm(dim=-1)
        assert apart[0].max() < self.furthest
        np.testing.assert_allclose(mapping.project(atoms.numpy()), beads.numpy(), atol=1e-3)
        first = type(coarse)(
            **{name: getattr(coarse, name)[:1] for name in vars(coarse) if name not in ("bonds", "ends", "cis")}
        )
        assert torch.isfinite(draw(model, model.mapping(first), beads[:, :1])).all()
