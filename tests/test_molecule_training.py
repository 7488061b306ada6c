"""Training on one molecule: configuration, frames held out, learned mappings, the run itself and its continuation."""

import dataclasses
import json

import MDAnalysis as mda
import numpy as np
import pytest
import torch
from molecules import SMALL, alkane, frames

from mdbackmap import checkpoint
from mdbackmap.training.molecules.holdout import hold_out
from mdbackmap.training.molecules.learned_mapping import learned_groups
from mdbackmap.training.molecules.molecule_config import MoleculeLoss, parse_molecule
from mdbackmap.training.molecules.molecule_frames import chosen_frames
from mdbackmap.training.molecules.molecule_terms import loss_terms
from mdbackmap.training.runs import read, run
from mdbackmap.universes.universe import universe_of

TOML = """
[model]
family = "cgvae"
{sizes}
[data]
topology = "aa.pdb"
trajectory = ["one.xtc", "two.xtc"]
mapping = {mapping}
{data}
[training]
folder = "run"
epochs = {epochs}
batch_size = 8
{training}
[validation]
every = 2
frames = 10
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two runs of 20 frames of hexane."""
    monkeypatch.chdir(tmp_path)
    topology = alkane(6)
    u = universe_of(topology)
    u.load_new(frames(topology, 40))
    u.atoms.write("aa.pdb")
    u.atoms.write("one.xtc", frames=u.trajectory[:20])
    u.atoms.write("two.xtc", frames=u.trajectory[20:])
    return tmp_path


def write(name="train.toml", mapping='"blocks:2"', epochs=4, data="", training=""):
    sizes = "\n".join(f"{key} = {value}" for key, value in SMALL.items())
    with open(name, "w") as file:
        file.write(TOML.format(sizes=sizes, mapping=mapping, data=data, epochs=epochs, training=training))
    return name


@pytest.mark.slow
def test_a_run(folder):
    model, row = run(write(epochs=8))
    loaded, provenance = checkpoint.load("run/model.pt")
    assert repr(loaded.molecule) == "Mapping(blocks:2: 3 beads -> 20 atoms; 3 residues, A 1-5)"
    assert provenance["structures"] == "<40 frames of 20 atoms in 2 runs>"
    assert provenance["data"][-1]["n_held_out"] == 8
    assert {"valid_loss", "sample_rmsd_heavy", "sample_ged", "valid_width"} <= set(row)
    log = json.loads((folder / "run/log.json").read_text())
    assert log[-1]["graph"] < log[0]["graph"] and (folder / "run/curves.png").exists()
    atoms = torch.tensor(frames(alkane(6)))
    noise = torch.zeros(5, 3, 4)
    with torch.no_grad():
        torch.testing.assert_close(loaded(atoms, noise).atoms, model(atoms, noise).atoms, atol=1e-5, rtol=0)


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on_bit_for_bit(folder):
    whole, _ = run(write("a.toml", training="seed = 3"))
    settings = "seed = 3"
    write("b.toml", training=settings)
    text = (folder / "b.toml").read_text().replace('"run"', '"other"')
    (folder / "b.toml").write_text(text)
    stop_after(3, "b.toml")
    again, _ = run("b.toml")
    for one, other in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def stop_after(n_epochs, toml):
    """Run, and raise when the log of an epoch is about to be written."""
    from mdbackmap.training import log

    original = log.write

    def write_and_stop(folder, rows):
        original(folder, rows)
        if len(rows) == n_epochs:
            raise KeyboardInterrupt

    log.write = write_and_stop
    try:
        with pytest.raises(KeyboardInterrupt):
            run(toml)
    finally:
        log.write = original


def test_going_on_from_weights(folder):
    first, _ = run(write(epochs=1))
    text = (folder / "train.toml").read_text()
    lines = [line for line in text.replace('"run"', '"more"').splitlines() if line.split(" =")[0] not in SMALL]
    lines = [line for line in lines if not line.startswith("mapping")]
    lines.insert(lines.index('family = "cgvae"') + 1, 'init = "run/model.pt"')
    (folder / "more.toml").write_text("\n".join([*lines, "[loss]", "kl = 0.5"]))
    second, _ = run("more.toml")
    assert repr(second.molecule) == repr(first.molecule) and second.config == first.config
    apart = [(a - b).abs().max() for a, b in zip(first.parameters(), second.parameters(), strict=True)]
    assert 0 < max(apart) < 0.1
    assert checkpoint.load("more/model.pt")[1]["init"]["model"] == "model"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mapping", "n_beads"),
    [('["resid 1:2", "resid 3:4", "resid 5:6"]', 3), ('"learned:3"', 3), ('"graph:4"', 4), ('"beads.json"', 3)],
)
def test_mappings_of_a_run(folder, mapping, n_beads):
    (folder / "beads.json").write_text(json.dumps([[0, 1], [7, 8], [13]]))
    model, _ = run(write(mapping=mapping, epochs=1))
    assert model.molecule.n_beads == n_beads


def test_what_is_wrong_is_said(folder):
    for options, message in (
        ({"mapping": '"blocks:3"'}, "makes 2 beads, which have no orientation"),
        ({"data": 'select = "name XX"'}, "selects none of the 20 particles"),
        ({"data": "runs = [3, 4]"}, "add up to 7 frames, but the trajectory has 40"),
        ({"data": 'frames = "99:"'}, "names none of the 40 frames"),
        ({"data": "hold_out = [5]"}, "hold_out names run 5"),
        ({"training": "beta = 1"}, "unknown key 'beta' in"),
    ):
        with pytest.raises(ValueError, match=message):
            run(write(**options))


def test_configuration():
    tables = {"model": {"family": "cgvae", "parity": "full", "n_layers": 1}, "data": {"topology": "aa.pdb"}}
    plan = parse_molecule({**tables, "data": {"topology": "aa.pdb", "mapping": ["name A", "name B"]}})
    assert plan.model["parity"] == "full" and plan.data.mapping == ("name A", "name B")
    weights = vars(MoleculeLoss())
    assert (weights["positions"], weights["kl"], weights["graph"]) == (1.0, 0.05, 25.0)  # the paper's
    assert [MoleculeLoss(graph=2.0).samples, MoleculeLoss(graph=2.0, samples=0.0).samples] == [2.0, 0.0]
    for wrong, message in (
        ({"model": {"family": "cgvae", "molecule": {}}}, "comes from the data"),
        ({"model": {"family": "cgvae", "init": "a.pt", "n_layers": 1}}, "come with their own sizes and mapping"),
        ({"model": {"family": "cgvae", "parity": "odd"}}, "expected one of chiral, full"),
        ({"training": {"loss": 1}}, "expected a table of its own"),
        ({"data": {"topology": "a", "share": 0.9}}, "share within"),
        ({"data": {}}, "no data"),
    ):
        with pytest.raises(ValueError, match=message):
            parse_molecule({**tables, **wrong})


def test_another_family_is_refused(folder):
    (folder / "a.toml").write_text('[model]\nfamily = "mine"\n')
    with pytest.raises(ValueError, match="expected 'genzprot'"):
        read("a.toml")


def test_frames_are_held_out_in_blocks_within_runs():
    use = hold_out(np.repeat([0, 1], 500), share=0.2, block=20, gap=3)
    held = np.flatnonzero(use == 1)
    train = np.flatnonzero(use == 0)
    assert abs(len(held) / 1000 - 0.2) < 0.03
    same = train[None] // 500 == held[:, None] // 500
    assert np.abs(train[None] - held[:, None])[same].min() == 4
    assert set(held // 500) == {0, 1}
    assert (hold_out(np.repeat([0, 1], 5), held_runs=[1]) == np.repeat([0, 1], 5)).all()
    assert (hold_out(np.zeros(10), share=0) == 0).all()
    with pytest.raises(ValueError, match="nothing is left"):
        hold_out(np.zeros(5), held_runs=[0])


@pytest.mark.parametrize("held_runs", [(), (1,)])
def test_frames_for_validation_are_apart_from_all_others(held_runs):
    use = hold_out(np.repeat([0, 1], 600), held_runs, share=0.2, block=15, gap=3, valid=0.1)
    of = {kind: np.flatnonzero((use == kind) & (np.arange(1200) < 600)) for kind in (0, 1, 2)}
    for one, other, least in ((2, 0, 4), (2, 1, 4), (1, 0, 4)):
        if len(of[one]) and len(of[other]):
            assert np.abs(of[one][None] - of[other][:, None]).min() >= least
    assert abs(len(of[2]) / 600 - 0.1) < 0.03
    without = hold_out(np.repeat([0, 1], 600), held_runs, share=0.2, block=15, gap=3)
    assert ((use == 1) == (without == 1)).all()  # what is held out is the same


def test_chosen_frames():
    assert chosen_frames("", 3).tolist() == [0, 1, 2]
    assert chosen_frames("-2:", 5).tolist() == [3, 4]
    with pytest.raises(ValueError, match="start:stop:step"):
        chosen_frames("1,2", 5)


def test_learned_beads_are_never_empty():
    rng = np.random.default_rng(0)
    positions = rng.normal(size=(40, 5, 3))
    for n_beads in (1, 3, 5):
        groups = learned_groups(f"learned:{n_beads}", positions, n_steps=20, n_starts=1).atoms
        assert len(groups) == n_beads and sorted(np.concatenate(groups)) == list(range(5))


def test_loss_terms_and_who_feels_them():
    from molecules import model_of, pairs_of_carbons

    model = model_of(pairs_of_carbons(alkane(6)))
    atoms = torch.tensor(frames(alkane(6)))
    found = model(atoms, torch.randn(5, 3, 4))
    terms = loss_terms(model, atoms, found)
    terms["width"].backward(retain_graph=True)
    moved = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert moved == {"log_width"}
    assert float(terms["positions"]) == pytest.approx(float((found.atoms - atoms).square().sum(-1).mean()))
    elbo = found.log_density - found.kl.sum(1)
    assert float(terms["nats"]) == pytest.approx(-float(elbo.mean()) / 20, rel=1e-5)


def test_bonds_of_samples_are_learned_without_the_posterior():
    from molecules import model_of, pairs_of_carbons

    model, atoms = model_of(pairs_of_carbons(alkane(6))), torch.tensor(frames(alkane(6), 8))
    before = [weight.clone() for weight in model.encoder.parameters()]
    noise = torch.randn(2, 8, 3, 4, generator=torch.Generator().manual_seed(0))
    optimizer, found = torch.optim.Adam(model.parameters(), lr=1e-2), []
    for _ in range(40):
        found.append(loss_terms(model, atoms, model(atoms, noise[0], prior_noise=noise[1]))["samples"])
        optimizer.zero_grad()
        found[-1].backward()
        optimizer.step()
    assert found[-1] < 0.3 * found[0]
    assert all(torch.equal(old, new) for old, new in zip(before, model.encoder.parameters(), strict=True))
    assert loss_terms(model, atoms, model(atoms, noise[0]))["samples"] == 0


def test_overlaps_of_samples_count():
    from molecules import model_of, pairs_of_carbons

    model, atoms = model_of(pairs_of_carbons(alkane(6))), torch.zeros(2, 20, 3)
    atoms[:, :, 0] = 5 * torch.arange(20)  # nothing is near anything
    found = model(atoms, torch.zeros(2, 3, 4))

    def term(true):
        return float(loss_terms(model, true, dataclasses.replace(found, drawn=true))["samples"])

    assert term(atoms) == 0
    atoms[1, 19] = atoms[1, 0] + torch.tensor([0.0, 1.0, 0.0])  # a hydrogen of the other end beside the first carbon
    expected = (1.3 * (0.68 + 0.23) + 0.2 - 1.0) ** 2 / (2 * (19 + 36))  # two frames; bonds and angles
    assert term(atoms) == pytest.approx(expected, rel=1e-4)
    atoms[1, 19] = atoms[1, 16] + torch.tensor([0.0, 1.0, 0.0])  # beside its own carbon
    assert term(atoms) == 0


def test_lengths_are_whole_in_a_box(folder):
    """Frames wrapped atom by atom are made whole before they are learned from."""
    from mdbackmap.training.molecules.molecule_frames import molecule_frames

    topology = alkane(6)
    positions = frames(topology, 3)
    box = np.array([15.0, 15, 15, 90, 90, 90])
    u = universe_of(topology)
    u.load_new(positions % 15.0, dimensions=np.tile(box, (3, 1)))
    found = molecule_frames(u.atoms).positions
    i, j = topology.bonds.T
    expected = np.linalg.norm(positions[:, i] - positions[:, j], axis=-1)
    np.testing.assert_allclose(np.linalg.norm(found[:, i] - found[:, j], axis=-1), expected, atol=1e-4)
    assert mda.Universe("aa.pdb").atoms.n_atoms == 20
