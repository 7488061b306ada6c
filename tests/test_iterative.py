"""Training cascades: descriptions, levels, noise on beads, whole runs to one checkpoint that is used as any model."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from molecules import SMALL, alkane, frames, pairs_of_carbons
from traces import tiny, topology

import mdbackmap as mdb
from mdbackmap import checkpoint
from mdbackmap.cli import main
from mdbackmap.cli.train import example
from mdbackmap.datafiles import CHIGNOLIN_PDB, CHIGNOLIN_XTC, GO_PDB, GO_XTC, TRPCAGE_PDB, TRPCAGE_XTC
from mdbackmap.models.cgvae.messages import recompute
from mdbackmap.models.cgvae.network import CGVAE
from mdbackmap.molecule.grouping import group_mapping
from mdbackmap.molecule.kinds import groups_of
from mdbackmap.molecule.mapping import MappingError
from mdbackmap.training.loop import new_model
from mdbackmap.training.molecules.molecule_config import MoleculeLoss, MoleculeTraining
from mdbackmap.training.molecules.molecule_run import model_config
from mdbackmap.training.molecules.molecule_task import Frames, bead_shifts
from mdbackmap.training.molecules.molecule_terms import loss_terms
from mdbackmap.training.runs import read, run
from mdbackmap.training.steps.levels import make_levels
from mdbackmap.training.steps.memory import step_memory
from mdbackmap.training.steps.protein_frames import read_frames
from mdbackmap.training.steps.step_config import parse_cascade
from mdbackmap.training.steps.tuning import structures_of, tune

TABLES = {"model": {"family": "chain"}, "data": {"topology": str(TRPCAGE_PDB), "trajectory": [str(TRPCAGE_XTC)]}}


def plan(*steps, **more):
    return parse_cascade({**TABLES, **more, "steps": list(steps)})


def test_shared_tables_are_overruled_by_those_of_a_step():
    found = plan(
        {"mapping": "beads:3", "training": {"noise": 0.5}, "model": {"n_features": 16}},
        {"mapping": "beads:10"},
        {"init": "genzprot"},
        training={"epochs": 7, "folder": "runs/x"},
        baseline={"training": {"epochs": 9}},
    )
    first, second, last = found.steps
    assert (first.run.training.noise, first.run.training.epochs, first.run.model["n_features"]) == (0.5, 7, 16)
    assert (second.run.training.noise, second.run.training.folder) == (0.0, "runs/x/step-2")
    assert last.init == "genzprot" and last.run is None
    assert (found.baseline.training.epochs, found.baseline.training.folder) == (9, "runs/x/one-step")


@pytest.mark.parametrize(
    ("steps", "more", "message"),
    [
        ([], {}, "no steps"),
        ([{}], {}, "neither mapping nor init"),
        ([{"init": "genzprot", "mapping": "ca"}], {}, "init and more"),
        ([{"init": "genzprot", "training": {"noises": 1}}], {}, "unknown key 'noises'"),
        ([{"init": "genzprot", "training": {"folder": "x"}}], {}, "folder belongs into"),
        ([{"mapping": "ca", "epochs": 3}], {}, "unknown key 'epochs'"),
        ([{"mapping": "ca", "training": {"folder": "x"}}], {}, "folder belongs into"),
        ([{"mapping": "ca", "model": {"init": "x.pt"}}], {}, "has init"),
        ([{"mapping": "ca"}], {"model": {"family": "chain", "rounds": -1}}, "rounds"),
        ([{"mapping": "ca"}], {"data": {"topology": "x", "fine": "beads"}}, "fine in"),
        ([{"mapping": "ca"}], {"data": {"topology": "x", "mapping": "ca"}}, "belongs to each"),
    ],
)
def test_descriptions_that_are_refused(steps, more, message):
    with pytest.raises(ValueError, match=message):
        plan(*steps, **more)


def test_levels_follow_each_other():
    given = plan({"mapping": "beads:3"}, {"mapping": ["resid 1:8", "resid 9:14", "resid 15:18", "resid 19 20"]})
    trace = read_frames(given.data, "ca")
    use = np.zeros(len(trace.positions), dtype=int)
    upper, lower = make_levels(trace, use, [step.run for step in given.steps])
    assert upper.mapping.fine is lower.mapping.coarse and lower.mapping.n_atoms == 20
    np.testing.assert_allclose(upper.positions, lower.mapping.project(lower.positions), atol=1e-5)
    assert np.bincount(lower.mapping.bead_of_atom).tolist() == [8, 6, 4, 2]
    assert upper.mapping.n_beads == 3


def test_a_step_that_is_there_brings_its_own_level():
    given = plan({"mapping": "beads:3"}, {"mapping": "beads:10"})
    trace = read_frames(given.data, "ca")
    use = np.zeros(len(trace.positions), dtype=int)
    first, second = (step.run for step in given.steps)
    upper, lower = make_levels(trace, use, [first, second])
    again, there = make_levels(trace, use, [first, ("x.pt", lower.mapping)])
    assert there.mapping is lower.mapping and again.mapping.fine is lower.mapping.coarse
    np.testing.assert_array_equal(again.positions, upper.positions)
    with pytest.raises(MappingError, match="20 atoms, but x.pt was trained on 10"):
        make_levels(trace, use, [("x.pt", upper.mapping)])


def test_heavy_atoms_come_in_the_order_of_the_model():
    given = plan({"mapping": "ca"}).data
    protein, trace = read_frames(given, "protein"), read_frames(given, "ca")
    alphas = protein.topology.names == "CA"
    np.testing.assert_array_equal(protein.positions[:, alphas], trace.positions)
    model = checkpoint.load("genzprot")[0]
    assert (model.mapping(trace.topology).fine.names == protein.topology.names).all()


def test_noise_moves_bonded_beads_alike():
    coarse = pairs_of_carbons(alkane(20)).coarse
    shifts = bead_shifts(coarse, 400, 2.0, torch.Generator().manual_seed(0))
    rms = shifts.square().sum(-1).mean(1).sqrt()
    assert rms.max() <= 2.0 + 1e-5 and 0.8 < rms.mean() < 1.2
    along = (shifts[:, 1:] * shifts[:, :-1]).sum() / (
        shifts[:, 1:].square().sum() * shifts[:, :-1].square().sum()
    ).sqrt()
    far = (shifts[:, 5:] * shifts[:, :-5]).sum() / (shifts[:, 5:].square().sum() * shifts[:, :-5].square().sum()).sqrt()
    assert along > 0.5 and abs(far) < 0.15


def helices(n_frames, seed, n=18):
    """C-alphas (F, n, 3) of helices of many pitches, neighbours 3.8 angstrom apart."""
    rng, k, found = np.random.default_rng(seed), np.arange(n), []
    for _ in range(n_frames):
        turn, rise = np.radians(rng.uniform(85, 115)), rng.uniform(1.3, 1.9)
        radius = np.sqrt((3.8**2 - rise**2) / (2 - 2 * np.cos(turn)))
        found.append(np.stack([radius * np.cos(turn * k), radius * np.sin(turn * k), rise * k], axis=-1))
    return np.array(found, dtype=np.float32)


@pytest.mark.slow
def test_noise_in_training_helps_where_beads_are_noisy():
    """The gap between training and use: neighbours' distances on beads as an earlier step would give them."""
    trace = topology("A" * 18)
    trace = dataclasses.replace(trace, bonds=[[k, k + 1] for k in range(17)])
    mapping = group_mapping(trace, groups_of("blocks:3", trace))
    known = helices(64, 0)
    shifts = bead_shifts(mapping.coarse, 40, 1.5, torch.Generator().manual_seed(9))
    noisy = torch.tensor(mapping.project(helices(40, 1))) + shifts

    def error(noise):
        config = MoleculeTraining(batch_size=16, noise=noise, loss=MoleculeLoss(samples=0.0))
        model = new_model(CGVAE, model_config(mapping, known, {**SMALL, "n_prior_layers": 1}), 0)
        task = Frames(known, np.zeros(64, dtype=int), mapping, config, SMALL["n_latent"])
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        generator = torch.Generator().manual_seed(0)
        for _ in range(60):
            for part in task.plan(generator):
                named, _ = task.terms(model.train(), task.collate(part, generator), generator)
                loss = named["positions"] + 0.05 * named["kl"] + 25 * named["graph"]
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        with torch.no_grad():
            drawn = model.eval().draw(noisy, torch.zeros(40, mapping.n_beads, SMALL["n_latent"]))
        return float(((drawn[:, 1:] - drawn[:, :-1]).norm(dim=-1) - 3.8).square().mean().sqrt())

    assert error(1.5) < 0.6 * error(0.0)


def test_memory_of_a_step_grows_with_the_batch():
    molecule = alkane(6)
    mapping = pairs_of_carbons(molecule)
    positions = torch.tensor(frames(molecule, 8))
    model = new_model(CGVAE, model_config(mapping, positions.numpy(), dict(SMALL)), 0)

    def bytes_of(n):
        noise = torch.zeros(n, mapping.n_beads, SMALL["n_latent"])
        return step_memory(model, lambda: loss_terms(model, positions[:n], model(positions[:n], noise))["positions"])

    weights = 16 * sum(weight.numel() for weight in model.parameters())
    two, four, eight = (bytes_of(n) - weights for n in (2, 4, 8))
    assert two > 0 and 1.8 < (eight - four) / (four - two) < 2.2


def test_messages_recomputed_need_less_memory_and_give_the_same_gradients():
    mapping = pairs_of_carbons(alkane(8))
    positions = torch.tensor(frames(mapping.fine, 8))
    model = new_model(CGVAE, model_config(mapping, positions.numpy(), dict(SMALL)), 0)
    noise = torch.randn(8, mapping.n_beads, SMALL["n_latent"], generator=torch.Generator().manual_seed(0))

    def loss():
        return loss_terms(model, positions, model(positions, noise))["nats"]

    found = {}
    for again in (False, True):
        recompute(model, again)
        loss().backward()
        gradients = [weight.grad.clone() for weight in model.parameters() if weight.grad is not None]
        found[again] = gradients, step_memory(model, loss)
    assert all(torch.equal(one, other) for one, other in zip(found[False][0], found[True][0], strict=True))
    weights = 16 * sum(weight.numel() for weight in model.parameters())
    assert found[True][1] - weights < 0.7 * (found[False][1] - weights)


def test_the_last_step_goes_on_with_the_same_frames(tmp_path):
    given = plan({"mapping": "beads:5"}, {"init": "genzprot", "training": {"epochs": 5, "batch_size": 100}})
    config = dataclasses.replace(given.steps[1].tuning, folder=str(tmp_path))
    assert (config.epochs, config.noise, config.validation.chains) == (5, 0.6, 0)
    protein = read_frames(given.data, "protein")
    use = np.array([0] * 12 + [-1] * 2 + [2] * 4 + [1] * 2)
    data = structures_of(protein, use)
    assert repr(data) == "<Structures: 16 chains, 320 residues; 12 to train on, 4 to validate on>"
    flat = data.atoms(torch.arange(20))[data.mask[:20]].numpy()
    expected = protein.positions[0] - protein.positions[0].mean(0)
    np.testing.assert_allclose(flat, expected, atol=0.003)
    model = tiny()
    before = [weight.clone() for weight in model.parameters()]
    tuned, origin, row = tune(model, None, protein, use, config, [])
    assert all(torch.equal(one, other) for one, other in zip(before, model.parameters(), strict=True))
    log = json.loads((tmp_path / "log.json").read_text())
    assert row["valid_nats"] < log[0]["valid_nats"] - 0.1 and origin["memory_bytes"] > 0
    assert tuned.config == dataclasses.replace(model.config, rotamers=0.0)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A cascade of three steps on trp-cage, and a single step, hardly trained."""
    folder = tmp_path_factory.mktemp("run")
    small = "n_features = 8\nn_channels = 4\nn_layers = 1"
    text = f"""
[model]
family = "chain"
[data]
topology = "{TRPCAGE_PDB}"
trajectory = ["{TRPCAGE_XTC}"]
block = 4
gap = 1
[training]
folder = "{folder}"
epochs = 1
[[steps]]
mapping = "beads:5"
[steps.model]
{small}
[[steps]]
mapping = "blocks:2"
[steps.model]
{small}
[steps.training]
noise = 0.5
[[steps]]
init = "genzprot"
[baseline.model]
{small}
"""
    (folder / "cascade.toml").write_text(text)
    model, row = run(folder / "cascade.toml")
    return folder, model, row


@pytest.mark.slow
def test_a_run_ends_in_one_checkpoint(trained):
    folder, model, row = trained
    loaded, provenance = checkpoint.load(folder / "model.pt")
    assert [step.family for step in loaded.steps] == ["cgvae", "cgvae", "genzprot"]
    assert [mapping.n_beads for mapping in loaded.mappings()] == [5, 10, 20]
    assert {"step_1_positions", "step_2_positions", "one_step_positions"} <= set(row)
    assert provenance["data"][-1]["mapping"] == ["beads:5", "blocks:2", "genzprot"]
    assert len(provenance["steps"]) == 3 and provenance["steps"][0]["memory_bytes"] > 0
    one, origin = checkpoint.load(folder / "one-step.pt")
    assert (one.molecule.fine.names == loaded.molecule.fine.names).all() and one.molecule.n_beads == 5
    assert origin["memory_bytes"] > provenance["steps"][0]["memory_bytes"]
    again, _ = run(folder / "cascade.toml")  # all steps are there
    assert all(torch.equal(x, y) for x, y in zip(again.parameters(), model.parameters(), strict=True))


@pytest.mark.slow
def test_from_ultra_coarse_beads_to_atoms(trained, tmp_path):
    """As any model: bound to beads, lifted, on the fly and in a file, in any batches.

    Beads are kept: the traces of untrained steps are so odd that relaxing them makes much of rounding; what they are
    made like proteins by, a little.
    """
    import MDAnalysis as mda

    from mdbackmap.universes.coarse import coarse_universe

    folder, model, _ = trained
    trace = mda.Universe(TRPCAGE_PDB, TRPCAGE_XTC).select_atoms("name CA")
    upper, lower, _ = model.mappings()
    beads = coarse_universe(trace, upper.then(lower))
    bound = mdb.load_model(folder / "model.pt", beads.atoms)
    u = bound.lift(beads)
    u.trajectory.add_transformations(mdb.Backmap(bound, bead_tolerance=0.0))
    conversion = mdb.BackmapTrajectory(
        beads.atoms, bound, filename=tmp_path / "aa.xtc", batch_size=3, bead_tolerance=0.0
    )
    conversion.run(stop=5)
    written = mda.Universe(str(conversion.results.topology), str(tmp_path / "aa.xtc"))
    for frame in (4, 0):
        np.testing.assert_allclose(u.trajectory[frame].positions, written.trajectory[frame].positions, atol=0.02)
    atoms = u.trajectory[2].positions
    np.testing.assert_allclose(bound.mapping.project(atoms), beads.trajectory[2].positions, atol=1e-3)
    files = [conversion.results.topology, str(tmp_path / "aa.xtc"), "--mapping", str(folder / "model.pt")]
    assert main(["coarsen", *files, "-o", str(tmp_path / "beads.xtc"), "--quiet"]) == 0
    again = mda.Universe(str(tmp_path / "beads.pdb"), str(tmp_path / "beads.xtc"))
    np.testing.assert_allclose(again.trajectory[3].positions, beads.trajectory[3].positions, atol=0.02)


@pytest.mark.slow
def test_the_command_compares(trained, tmp_path, capsys):
    folder, *_ = trained
    models = ["--chain", str(folder / "model.pt"), "--chain", str(folder / "one-step.pt")]
    out = tmp_path / "found.json"
    rest = ["--elbo", "--temperature", "1", "--n-samples", "1", "--json", str(out), "--plots", str(tmp_path)]
    assert main(["evaluate", *models, str(TRPCAGE_PDB), str(TRPCAGE_XTC), *rest]) == 0
    said = capsys.readouterr().out
    assert "4 held-out frames" in said and "RMSD, heavy atoms" in said and "radian" in said
    found = json.loads(out.read_text())["models"]
    cascade, one = found.values()
    assert (cascade["kind"], one["kind"]) == ("3 steps", "1 step")
    assert cascade["mean"]["bonds"] > 99.9 > one["mean"]["bonds"]
    for memory in ("memory_mb", "memory_recomputed_mb"):
        assert cascade["mean"][memory] < one["mean"][memory]
    assert 0 < cascade["mean"]["rmsd_last"] < cascade["mean"]["rmsd"] and "rmsd_last" not in one["mean"]
    assert [row["family"] for row in cascade["bounds"]] == ["cgvae", "cgvae", "genzprot", "C-alphas"]
    assert [row["family"] for row in one["bounds"]] == ["cgvae", "whole", "C-alphas"]
    alphas = one["bounds"][-1]["dimensions"]
    assert alphas == cascade["bounds"][-1]["dimensions"] == 3 * (20 - 5) and "no bound: densities per" in said
    assert (tmp_path / "steps.png").stat().st_size > 10_000


@pytest.mark.parametrize("word", ["chain", "cascade"])
def test_a_file_of_another_kind_of_run_is_refused(tmp_path, word):
    (tmp_path / "x.toml").write_text(f'[model]\nfamily = "{word}"\n')
    with pytest.raises(ValueError, match="no steps"):
        read(tmp_path / "x.toml")
    assert dataclasses.is_dataclass(plan({"init": "genzprot"}))


def test_a_step_to_the_same_beads_is_refused_before_any_training(tmp_path, capsys, monkeypatch):
    """The example on a protein of ten residues: its second step has five beads, as many as the first makes."""
    monkeypatch.chdir(tmp_path)
    text = example("chain").replace("aa.pdb", CHIGNOLIN_PDB).replace("aa.xtc", CHIGNOLIN_XTC)
    (tmp_path / "cascade.toml").write_text(text)
    assert main(["train", "cascade.toml", "--quiet"]) == 1
    said = capsys.readouterr().err
    assert "'beads:5' in [[steps]] number 1 makes 5 beads of 5 particles" in said
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("mapping", ["ca", "blocks:1", "beads:56"])
def test_a_model_from_beads_to_the_same_beads_is_refused(tmp_path, capsys, mapping):
    (tmp_path / "cgvae.toml").write_text(
        f'[model]\nfamily = "cgvae"\n[data]\ntopology = "{GO_PDB}"\ntrajectory = ["{GO_XTC}"]\nmapping = "{mapping}"\n'
        f'[training]\nfolder = "{tmp_path}/run"\n'
    )
    assert main(["train", str(tmp_path / "cgvae.toml"), "--quiet"]) == 1
    assert "makes 56 beads of 56 particles, expected fewer" in capsys.readouterr().err
