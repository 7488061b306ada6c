"""The bundled models of one molecule on the bundled frames that were held out from them."""

import MDAnalysis as mda
import numpy as np
import pytest
import torch
from traces import rotation

import mdbackmap as mdb
from mdbackmap import checkpoint
from mdbackmap.datafiles import CHIGNOLIN_PDB, CHIGNOLIN_XTC, DIPEPTIDE_PDB, DIPEPTIDE_XTC
from mdbackmap.evaluation.molecule_report import draw, judge_molecule
from mdbackmap.universes.coarse import coarse_universe

BUNDLED = {
    "cgvae-alanine-dipeptide": (DIPEPTIDE_PDB, DIPEPTIDE_XTC),
    "cgvae-chignolin": (CHIGNOLIN_PDB, CHIGNOLIN_XTC),
}


@pytest.fixture(params=BUNDLED)
def bundled(request):
    """Model, provenance, atoms, and every tenth held-out frame."""
    model, provenance = checkpoint.load(request.param)
    atoms = mda.Universe(*BUNDLED[request.param]).atoms
    frames = np.stack([atoms.positions.copy() for _ in atoms.universe.trajectory[::10]])
    return model, provenance, atoms, frames


def test_small_and_of_known_origin(bundled):
    model, provenance, _, _ = bundled
    assert checkpoint.bundled()[provenance["model"]].stat().st_size < 800_000
    assert {"version", "date", "data", "seed", "steps", "training"} <= set(provenance)
    assert provenance["data"][-1]["n_held_out"] > 500


def test_held_out_frames_are_the_ones_that_were(bundled):
    """By their numbers, which the bundled files keep as times."""
    from mdbackmap.training.molecules.holdout import HELD_OUT, hold_out

    _, provenance, atoms, _ = bundled
    settings = provenance["data"][-1]
    runs = np.repeat(np.arange(len(settings["runs"])), settings["runs"])[: settings["n_frames"]]
    use = hold_out(runs, settings["hold_out"], settings["share"], settings["block"], settings["gap"])
    times = [round(ts.time) for ts in atoms.universe.trajectory]
    assert times == np.flatnonzero(use == HELD_OUT).tolist()


def test_exact_and_equivariant(bundled):
    model, _, _, frames = bundled
    beads = model.tables.project(torch.tensor(frames[:8]))
    normal = torch.randn(len(beads), beads.shape[1], model.config.n_latent, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        atoms = model.draw(beads, normal)
        for seed in range(3):
            turn, shift = rotation(seed)
            assert (model.draw(beads @ turn + shift, normal) - (atoms @ turn + shift)).abs().max() < 1e-4
    assert np.abs(model.molecule.project(atoms.numpy()) - beads.numpy()).max() < 1e-5


def test_samples_are_molecules(bundled):
    model, _, _, frames = bundled
    judgement = judge_molecule(model, frames)
    assert judgement.table["sample"]["rmsd_heavy"] < 2.0
    assert judgement.table["sample"]["ged_heavy"] < 0.01
    assert judgement.table["reconstruction"]["rmsd_heavy"] < judgement.table["sample"]["rmsd_heavy"]
    np.testing.assert_array_equal(draw(model, frames), draw(model, frames))


def test_the_whole_way_from_beads(bundled):
    model, provenance, atoms, _ = bundled
    cg = coarse_universe(atoms, model.molecule)
    u = mdb.backmap(cg, provenance["model"], seed=2)
    assert u.atoms.names.tolist() == atoms.names.tolist()
    cg.trajectory[50]
    assert np.abs(model.molecule.project(u.trajectory[50].positions) - cg.atoms.positions).max() < 1e-4
