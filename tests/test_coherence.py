"""correlation_time=: side chains keep the rotamers of key frames, whatever the order in which frames are asked for."""

from functools import partial

import MDAnalysis as mda
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import mdbackmap as mdb
from mdbackmap.chemistry.residues import TYPE_OF_NAME
from mdbackmap.datafiles import TRPCAGE_PDB, TRPCAGE_XTC
from mdbackmap.generation.held import held_torsions
from mdbackmap.metrics.coherence import autocorrelation, rotamer_jumps
from mdbackmap.metrics.dihedrals import atom14, side_chain_torsions
from mdbackmap.molecule.mapping import MappingError
from mdbackmap.universes.frames import CoarseFrame
from mdbackmap.universes.key_frames import KeyFrames, key_beads

pytestmark = pytest.mark.filterwarnings("ignore")


def trace(n_frames=10):
    """C-alphas of trp-cage in MD, 1 ps apart."""
    heavy = mda.Universe(TRPCAGE_PDB, TRPCAGE_XTC)
    alphas = heavy.select_atoms("name CA")
    beads = mda.Universe.empty(20, 20, atom_resindex=range(20), trajectory=True)
    for name in ("names", "resnames", "resids"):
        beads.add_TopologyAttr(name, list(getattr(alphas, name)))
    places = np.stack([heavy.trajectory[k].positions[alphas.ix] for k in range(n_frames)])
    return beads.load_new(places, order="fac", dt=1.0)


@pytest.fixture(scope="module")
def bound():
    beads = trace()
    return beads, mdb.load_model("genzprot", beads, hydrogens=False, threads=1)


def chi1(model, positions):
    fine = model.topology
    found = side_chain_torsions(*atom14(fine, positions), fine.types)[..., 0]
    return found[:, np.isfinite(found).all(0) & (fine.resnames != "PRO")]


def test_side_chains_keep_their_rotamers(bound):
    beads, model = bound
    run = partial(mdb.BackmapTrajectory, beads, model, seed=3)
    free, held = (chi1(model, run(correlation_time=tau).run().results.positions) for tau in (0, 5))
    times = np.arange(10.0)
    assert rotamer_jumps(free, times) > 150 and rotamer_jumps(held, times) < 0.5 * rotamer_jumps(free, times)
    assert autocorrelation(held, 1) > 0.85 > 0.8 > autocorrelation(free, 1)
    key = run().run(frames=[5]).results.positions[0]  # a key frame is as it is without a correlation time
    assert np.abs(np.angle(np.exp(1j * (held[5] - chi1(model, key[None])[0])))).max() < 0.5


@pytest.mark.parametrize("temperature", [0, 1])
def test_any_order_and_any_process_give_the_same(bound, temperature):
    beads, model = bound
    asked = {"correlation_time": 4.0, "temperature": temperature, "seed": 2}
    whole = mdb.BackmapTrajectory(beads, model, n_samples=2, **asked).run().results.positions.reshape(10, 2, -1, 3)
    if temperature == 1:
        parts = mdb.BackmapTrajectory(beads, model, n_samples=2, batch_size=3, **asked)
        parts = parts.run(backend="multiprocessing", n_workers=2).results.positions.reshape(10, 2, -1, 3)
        assert np.abs(parts - whole).max() < 1e-3
    some = mdb.BackmapTrajectory(beads, model, **asked).run(frames=[7, 2]).results.positions
    assert np.abs(some - whole[[7, 2], 0]).max() < 1e-3
    live = mdb.backmap(beads, model, **asked)
    for frame in (9, 3, 4, 5, 0):
        assert np.abs(live.trajectory[frame].positions - whole[frame, 0]).max() < 1e-3
    assert temperature == 1 or np.abs(whole[:, 0] - whole[:, 1]).max() == 0


def frame(number, time=None, box=None):
    return CoarseFrame(number, float(number if time is None else time), np.full((2, 3), number, np.float32), box)


def test_key_frames_follow_from_the_number_alone():
    keys = KeyFrames(frame, 11, 1.0, 4.0)
    assert keys.stride == 4 and KeyFrames(frame, 11, 1.0, 1.2).stride == 1
    for number, before, after, share in ((0, 0, 4, 0), (3, 0, 4, 0.75), (4, 4, 8, 0), (9, 8, 10, 0.25)):
        found = keys.placed(frame(number)).between
        assert (found.before.frame, found.after.frame, found.share) == (before, after, share)
    told = key_beads([keys.placed(frame(number)) for number in (3, 9, 5)])
    assert told.frames == [0, 4, 8, 10] and told.rows.tolist() == [[0, 1], [2, 3], [1, 2]]
    assert told.numbers.tolist() == [0, 2, 1] and told.dimensions is None and told.beads.shape == (4, 2, 3)


def test_frames_without_key_frames_that_go_with_them_stand_alone():
    def broken(number):
        raise MappingError("torn")

    one = frame(5)
    assert KeyFrames(broken, 11, 1.0, 4.0).placed(one) is one
    assert KeyFrames(lambda k: frame(k, time=k + 100 * (k > 6)), 11, 1.0, 4.0).placed(one) is one  # another run
    assert KeyFrames(partial(frame, box=np.ones(6)), 11, 1.0, 4.0).placed(one) is one
    assert KeyFrames(frame, 11, 1.0, 1.0).placed(one) is one


def test_side_chains_that_would_meet_change_together():
    """Two phenylalanines whose rings are on one another if one changes first, and one that is far away."""
    types = np.full(3, TYPE_OF_NAME["PHE"])
    mask = np.ones((3, 14), dtype=bool)
    mask[:, 11:] = False
    draw = np.random.default_rng(0)
    shape = draw.normal(size=(14, 3))
    shape[:3] = [[-1.2, 0.8, 0], [0, 0, 0], [1.2, 0.8, 0]]  # N, CA, C
    before, after = np.repeat(shape[None, None], 2, 1), np.repeat(shape[None, None], 2, 1)
    before, after = (np.repeat(x[:, :1], 3, 1) for x in (before, after))
    for x, side in ((before, 1), (after, -1)):  # rings of the first two go from y > 0 to y < 0 between them
        x[0, :, 4:] += [0, 0, side * 6.0]
        x[0, 1] += [0, 0, 12.0]
        x[0, 2] += [90.0, 0, 0]
    moments = np.array([[0.3, 0.7, 0.9]] * 3)
    keep = partial(held_torsions, np.concatenate([before, after]), mask, types)
    found = keep(np.array([[0, 1]] * 3), moments, [0.1, 0.5, 0.95])
    chis = keep(np.array([[0, 0], [1, 1]]), moments, [0.5, 0.5])
    assert_array_equal(found[0], chis[0])
    assert_array_equal(found[1], [chis[1, 0], chis[1, 1], chis[0, 2]])  # the second changes with the first
    assert_array_equal(found[2], chis[1])
