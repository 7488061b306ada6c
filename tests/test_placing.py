"""C-alphas from other beads: exact where a bead is one, by the network elsewhere."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from mdbackmap.checkpoint import load
from mdbackmap.chemistry import residues
from mdbackmap.data.bead_batches import BeadBatches
from mdbackmap.data.bead_draws import RANDOM, BeadDraws
from mdbackmap.data.dataset import Unit
from mdbackmap.data.known import read_chains
from mdbackmap.data.structures import Structures
from mdbackmap.datafiles import VALIDATION
from mdbackmap.generation.bound import bind
from mdbackmap.generation.placing import Placing, with_cis
from mdbackmap.metrics.dihedrals import flat_atoms
from mdbackmap.models.genzprot import GenZProt, GenZProtConfig
from mdbackmap.molecule.bead_definition import BeadModel
from mdbackmap.molecule.heavy_atoms import protein_topology
from mdbackmap.molecule.mapping import Mapping, MappingError
from mdbackmap.training.placement_training import new_placement, with_placement

SIDE = {n: {k: 1.0 for k in residues.ATOMS[n][4:]} for n in residues.RESIDUE_NAMES}
CA_SC = BeadModel("ca_sc", "CA", {n: {"CA": {"CA": 1.0}, **({"SC": own} if own else {})} for n, own in SIDE.items()})
BB = BeadModel("bb", "BB", {n: {"BB": dict.fromkeys(("N", "CA", "C", "O"), 1.0)} for n in residues.RESIDUE_NAMES})


@pytest.fixture(scope="module")
def chain():
    return read_chains(VALIDATION, limit=3)[1]


def mapping_of(model, chain):
    fine = protein_topology(chain.trace())
    return Mapping.of(model, model.topology(fine), fine)


def beads_of(mapping, chain):
    return torch.tensor(mapping.project(flat_atoms(mapping.fine, chain.positions)), dtype=torch.float32)


def names_of(structures):
    parts = (structures.chains[name].astype(str) for name in ("pdb_id", "chain_id"))
    return ["_".join(pair) for pair in zip(*parts, strict=True)]


def small():
    model = GenZProt(GenZProtConfig(n_features=16, n_layers=2, n_decoder_layers=1))
    torch.manual_seed(1)
    larger = with_placement(model, new_placement(model))
    for part in larger.placement.parameters():
        torch.nn.init.normal_(part, std=0.1)
    return larger.eval()


def test_an_exact_c_alpha_is_taken_as_it_is(chain):
    mapping = mapping_of(CA_SC, chain)
    placing = Placing.of(None, mapping)
    placed = placing(beads_of(mapping, chain))
    assert placing.exact and mapping.n_beads > len(chain.types)
    assert np.array_equal(placed.alphas.numpy(), chain.beads.astype(np.float32))
    assert not placed.scales.any()


def test_a_checkpoint_for_c_alphas_refuses_other_beads(chain):
    model = GenZProt(GenZProtConfig(n_features=8, n_layers=1))
    with pytest.raises(MappingError, match="takes C-alpha beads alone"):
        bind(model, mapping_of(BB, chain))


def test_c_alphas_turn_with_the_beads_and_do_not_depend_on_the_batch(chain):
    mapping, model = mapping_of(BB, chain), small()
    placing = Placing.of(model.placement, mapping)
    beads = beads_of(mapping, chain)
    turn = torch.tensor(Rotation.from_euler("xyz", [0.3, 1.0, -2.0]).as_matrix(), dtype=torch.float32)
    both = placing(torch.cat([beads, beads @ turn.T + 3.0]))
    one = placing(beads)
    assert torch.equal(both.alphas[0], one.alphas[0])
    assert (both.alphas[1] - (one.alphas[0] @ turn.T + 3.0)).abs().max() < 2e-3
    assert (one.alphas - placing.table.gather(beads)[:, :, 0]).norm(dim=-1).mean() > 1e-3
    assert (one.scales > 0).all()


def test_training_and_sampling_show_the_network_the_same(chain):
    """The example of a training batch without noise has the inputs that a bound model makes of the same chain."""
    structures = Structures.read(VALIDATION)
    chosen = names_of(structures).index(chain.name)
    rows = torch.arange(*structures.chains["offset"][chosen : chosen + 2].tolist())
    unit = Unit(rows, torch.ones(len(rows), dtype=torch.bool), 1.0)
    mapping, model = mapping_of(BB, chain), small()
    batches = BeadBatches(structures, [unit], 12, 2000, BeadDraws([BB]), noisy=False)
    examples = (batches.collate([unit], torch.Generator().manual_seed(seed)) for seed in range(20))
    example = next(one for one in examples if not (one.beads.weights < 0).any())  # without the terminal oxygen
    with torch.no_grad():
        shift, _, _ = model.placement(example.batch, example.beads)
    placed = Placing.of(model.placement, mapping)(beads_of(mapping, chain))
    known = example.scored
    assert (example.batch.ca + shift - placed.alphas[0])[known].abs().max() < 1e-2


def test_bead_models_are_drawn_with_shares_that_sum_to_one():
    draws, types = BeadDraws([CA_SC, RANDOM]), torch.arange(20)
    generator, kinds = torch.Generator().manual_seed(0), set()
    for _ in range(20):
        weights = draws.draw(types, generator)
        assert weights.shape == (20, draws.n_beads, 14)
        sums = weights.sum(-1)
        assert torch.allclose(sums[sums != 0], torch.ones(()))
        assert (sums[:, 0] != 0).all()
        kinds.add(tuple(weights.flatten().tolist()))
    assert len(kinds) > 5


def test_a_checkpoint_keeps_its_placement(tmp_path):
    from mdbackmap import checkpoint

    model = small()
    checkpoint.save(tmp_path / "m.pt", model, {})
    again, _ = checkpoint.load(tmp_path / "m.pt")
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    assert dataclasses.asdict(again.config)["n_placement_layers"] == 4


def test_the_bundled_model_loads():
    assert load("genzprot")[0].config.n_features == 128


def test_cis_peptides_are_found_where_c_alphas_are_no_beads(chain):
    model, beads = small(), None
    torch.nn.init.zeros_(model.placement.cis[-1].weight)
    torch.nn.init.constant_(model.placement.cis[-1].bias, 5.0)
    for kind, expected in ((BB, ~chain.ends), (CA_SC, np.zeros(len(chain.ends), bool))):
        mapping = mapping_of(kind, chain)
        plain = dataclasses.replace(mapping, coarse=dataclasses.replace(mapping.coarse, cis=None))
        beads = beads_of(mapping, chain).numpy()
        found = with_cis(model, plain, beads)
        assert np.array_equal(found.coarse.cis, expected)
        assert np.array_equal(found.fine.cis, expected | mapping.fine.cis)
        assert len(chain.ends) > 10
    torch.nn.init.constant_(model.placement.cis[-1].bias, -5.0)
    assert with_cis(model, plain, beads) is plain
