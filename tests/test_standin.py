"""The stand-in for `Backmapper`, on which tests of reading and writing rest, keeps to what the real one promises."""

import inspect

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from standin import Standin, chain, standin

from mdbackmap.backmapper import Backmapper
from mdbackmap.loading import load_model


@pytest.fixture(scope="module")
def cg():
    return chain(n_beads=12, n_frames=3)


@pytest.fixture(scope="module", params=["real", "standin"])
def model(cg, request):
    return standin(cg.atoms) if request.param == "standin" else load_model("genzprot", cg.atoms, device="cpu")


def public(names):
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize("name", sorted(x for x in public(vars(Backmapper)) if callable(getattr(Backmapper, x))))
def test_methods_have_the_same_arguments(name):
    real, fake = (inspect.signature(getattr(x, name)).parameters.values() for x in (Backmapper, Standin))
    assert [(x.name, x.kind, x.default) for x in fake] == [(x.name, x.kind, x.default) for x in real]


def test_the_same_attributes(cg):
    real = load_model("genzprot", cg.atoms, device="cpu")
    wanted = public(dir(real)) | public(vars(real))
    assert wanted <= public(dir(standin(cg.atoms))) | public(vars(standin(cg.atoms)))


def test_universes_hold_the_same_things(cg):
    real = load_model("genzprot", cg.atoms, device="cpu", hydrogens=False).universe()
    fake = standin(cg.atoms).universe()
    kinds = {type(x) for x in real._topology.attrs}
    assert kinds == {type(x) for x in fake._topology.attrs}
    n = fake.atoms.n_atoms  # the real one has an OXT on top
    for attribute in ("names", "resnames", "resids", "elements"):
        assert_array_equal(getattr(real.atoms, attribute)[:n], getattr(fake.atoms, attribute))


class TestBehaviour:
    """What both do, asked of both."""

    def test_atoms(self, cg, model):
        beads = cg.trajectory.get_array()[[0, 1, 1]]
        atoms = model.sample(beads, [0, 1, 1], samples=[0, 0, 1], bead_tolerance=0, mirror="ignore")
        assert atoms.shape == (3, model.n_atoms, 3) and atoms.dtype == np.float32
        assert not np.array_equal(atoms[1], atoms[2])
        np.testing.assert_allclose(model.mapping.project(atoms), beads, atol=1e-4)
        moved = model.displacements(beads, atoms, mirror="ignore")
        assert moved.shape == (3, model.n_beads) and moved.dtype == np.float32 and moved.max() < 1e-4
        again = model.sample(beads[2:], [1], samples=1, bead_tolerance=0, mirror="ignore")
        np.testing.assert_allclose(again[0], atoms[2], atol=0.01)

    def test_no_numbers(self, cg, model):
        beads = cg.trajectory.get_array()[:2].copy()
        beads[1, 3] = np.nan
        with pytest.raises(ValueError, match="frame 7"):
            model.sample(beads, [6, 7], bead_tolerance=0, mirror="ignore")

    def test_batch_size(self, model):
        assert model.batch_size() == model.batch_size("auto") >= 1
        assert model.batch_size(np.int64(3)) == 3
        for bad in (0, 1.5, True, "many"):
            with pytest.raises(ValueError, match="batch_size"):
                model.batch_size(bad)

    def test_lift(self, cg, model):
        lifted = model.lift(cg)
        assert lifted.trajectory.n_frames == 3
        assert_array_equal(lifted.trajectory[1].positions, model.mapping.lift(cg.trajectory.get_array()[1]))
