"""Bound models and the pipeline: shared by threads, made of settings that are really passed; networks hold weights."""

import dataclasses
import functools
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from molecules import model_of
from traces import tiny, topology, trace

from mdbackmap.generation.bound import bind
from mdbackmap.generation.conformation import Conformation
from mdbackmap.generation.noise import Noise
from mdbackmap.generation.settings import Settings
from mdbackmap.models.cascade import Cascade
from mdbackmap.molecule.grouping import group_mapping
from mdbackmap.molecule.kinds import groups_of
from mdbackmap.options import Keys, Tolerance
from mdbackmap.torsions.internal import InternalCoordinates

SEQUENCE = "ACDEFGHIKLMNPQRSTVWY"
BEADS = trace(len(SEQUENCE), frames=3)
AUTO = Tolerance.of("auto")


def alphas():
    coarse = topology(SEQUENCE)
    rows = torch.arange(len(SEQUENCE) - 1)
    return dataclasses.replace(coarse, bonds=torch.stack([rows, rows + 1], 1).numpy())


def protein():
    model = tiny()
    return model, model.mapping(alphas())


def molecule():
    fine = alphas()
    model = model_of(group_mapping(fine, groups_of("blocks:4", fine)))
    return model, model.molecule


def cascade():
    model = Cascade.of([molecule()[0], tiny()], rounds=4)
    return model, model.molecule


@pytest.fixture(params=[protein, molecule, cascade], ids=lambda make: make.__name__)
def made(request):
    """A bound model and its beads."""
    bound = bind(*request.param())
    beads = BEADS
    if bound.mapping.n_beads != len(SEQUENCE):
        fine = alphas()
        beads = torch.tensor(group_mapping(fine, groups_of("blocks:4", fine)).project(BEADS.numpy()))
    return bound, beads.float()


def attributes(model):
    """What each part of a network has, by name and identity."""
    parts = [(name, part) for name, part in model.named_modules() if type(part).__module__.startswith("mdbackmap")]
    return {(name, key): id(value) for name, part in parts for key, value in vars(part).items()}


def test_threads_share_a_bound_model(made):
    bound, beads = made

    def sample(frame):
        with torch.inference_mode():
            return bound.sample(beads[frame : frame + 1], Noise(seed=1), Keys.of([frame]), tolerance=AUTO)

    expected = [sample(frame) for frame in range(3)]
    with ThreadPoolExecutor(3) as pool:
        atoms = list(pool.map(sample, [0, 1, 2, 0]))
    assert all(torch.equal(atoms[k], expected[k % 3]) for k in range(4))


def test_networks_hold_nothing_of_a_molecule(made):
    bound, beads = made
    before = attributes(bound.model)
    bound.sample(beads, Noise(), Keys.first(3), tolerance=AUTO)
    assert attributes(bound.model) == before


def test_bound_models_cannot_be_changed_and_travel(made):
    bound, beads = made
    with pytest.raises(dataclasses.FrozenInstanceError):
        bound.mapping = None
    atoms = bound.sample(beads, Noise(), Keys.first(3))
    assert torch.equal(pickle.loads(pickle.dumps(bound)).sample(beads, Noise(), Keys.first(3)), atoms)


def changed(path, value):
    """`Settings` in which one field, `stage.field` or deeper, has another value."""

    def replaced(settings, first, *rest):
        return dataclasses.replace(settings, **{first: replaced(getattr(settings, first), *rest) if rest else value})

    return replaced(Settings(), *path.split("."))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("traces.relaxing.prior_steps", 1),
        ("traces.judging.unlike", 50.0),
        ("backbone.maps", 5.0),
        ("backbone.bend_width", 0.01),
        ("backbone.collisions.touching", 4.0),
        ("packing.candidates.drawn.count", 3),
        ("packing.candidates.drawn.share", 0.1),
        ("packing.relief.steps", 0),
        ("packing.settling.steps", 1),
    ],
)
def test_settings_are_passed(path, value):
    """A setting of each stage, replaced, gives other atoms."""
    assert not torch.equal(crowded_atoms(changed(path, value)), crowded_atoms(Settings()))


@functools.cache
def crowded_atoms(settings):
    """Of beads that are too near each other, two frames."""
    return bind(*protein(), settings=settings).sample(0.8 * BEADS[:2], Noise(), Keys.first(2), tolerance=AUTO)


def test_atoms_are_built_once_a_change(monkeypatch):
    internal, built = InternalCoordinates.of(alphas()), []
    backbone, place = InternalCoordinates.backbone, InternalCoordinates.to_cartesian
    monkeypatch.setattr(InternalCoordinates, "backbone", lambda *given: built.append("backbone") or backbone(*given))
    monkeypatch.setattr(InternalCoordinates, "to_cartesian", lambda *given: built.append("atoms") or place(*given))
    one = Conformation.of(internal, BEADS)
    assert one.atoms is one.atoms and built == ["backbone", "atoms"]
    torsions = one.torsions + torch.tensor([0.0, 1, 1, 1, 1, 0])
    other = one.with_side_chains(torsions)
    assert not torch.equal(other.atoms, one.atoms) and built == ["backbone", "atoms", "atoms"]
    assert torch.equal(other.atoms, internal.to_cartesian(BEADS, torsions))
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.torsions = None
    assert torch.equal(one[1:3].atoms, one.atoms[1:3])
