"""Room for hydrogens: where they are while side chains are packed, which pairs count, and what is gained."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from mdbackmap.checkpoint import load
from mdbackmap.chemistry.residues import MAX_ATOMS
from mdbackmap.completion.complete import Completion
from mdbackmap.data.known import Generator, read_chains
from mdbackmap.datafiles import VALIDATION
from mdbackmap.generation.conformation import Conformation
from mdbackmap.generation.settings import Settings
from mdbackmap.hydrogen.adding import Hydrogens
from mdbackmap.metrics.dihedrals import atom14, side_chain_torsions
from mdbackmap.metrics.hydrogens import AllAtoms, all_atom_clashscore
from mdbackmap.metrics.hydrogens import Hydrogens as Judged
from mdbackmap.metrics.protein_judge import _hydrogens
from mdbackmap.molecule.mapping import Mapping
from mdbackmap.options import HydrogenOptions
from mdbackmap.packing import light_relief
from mdbackmap.packing.light_atoms import light_tables, with_hydrogens
from mdbackmap.packing.light_pairs import LightPairs
from mdbackmap.packing.light_relief import make_room
from mdbackmap.torsions.internal import InternalCoordinates

PACKING = Settings().with_hydrogens().packing


@pytest.fixture(scope="module")
def chain():
    return min((one for one in read_chains(VALIDATION) if len(one.types) > 60), key=lambda one: len(one.types))


@pytest.fixture(scope="module")
def judged(chain):
    """What judges the chain, and its atoms (A, 3) with the hydrogens that come last of all."""
    whole = Completion(Mapping.ca(chain.trace()), HydrogenOptions(True))
    fine, (rows, parents) = whole.mapping.fine, _hydrogens(whole.mapping.fine)
    add = Hydrogens.of(fine, whole.hydrogens, still=np.ones(fine.n_atoms, bool))
    atoms = add(whole(chain.positions[:1, chain.mask].copy()))
    molecule = AllAtoms(chain.mask, chain.types, chain.ends, parents)
    return molecule, molecule.flat(atom14(fine, atoms)[0], atoms[:, rows])[0]


def crowded(chain):
    internal = InternalCoordinates.of(chain.trace())
    atoms = torch.tensor(chain.positions[:1], dtype=torch.float32)
    return internal, *with_hydrogens(internal.types, internal.starts, atoms)


def test_hydrogens_are_where_those_are_that_come_last_of_all(chain, judged):
    _, atoms, real = crowded(chain)
    molecule, flat = judged
    light = real.clone()
    light[:, :MAX_ATOMS] = False
    distances, _ = cKDTree(flat[len(molecule.heavy) :]).query(atoms[0, light].numpy())
    assert light.sum() > 0.9 * len(molecule.kept)
    assert np.mean(distances < 0.03) > 0.97  # amines turn a little


def test_every_clash_of_a_side_chain_is_among_its_pairs(chain, judged):
    """Against the pairs that are judged, of which bonds and distances are counted by other code."""
    internal, atoms, real = crowded(chain)
    molecule, flat = judged
    chosen = torch.zeros(1, len(real), dtype=torch.bool).index_fill(1, internal.movable.residues, True)
    pairs = LightPairs(internal.types, internal.ends, real, PACKING.hydrogens.relief.overlap.touch)
    own, other, _, allowed = pairs(atoms, chosen, 0.0)
    listed = {frozenset(pair) for pair in zip(own.tolist(), other.tolist(), strict=True)}
    gap = (atoms.view(-1, 3)[own] - atoms.view(-1, 3)[other]).norm(dim=-1)
    assert (gap < allowed).all() and len(listed)
    places = real.flatten().nonzero()[:, 0]
    distance, near = cKDTree(atoms.view(-1, 3)[places].numpy()).query(flat)
    turning = light_tables().moved[internal.types, 0].flatten()
    clashes = 0
    for pair in molecule.clashing_pairs(flat):
        rows = places[near[pair]].tolist()
        if (distance[pair] < 0.03).all() and turning[rows].any():
            clashes += 1
            assert frozenset(rows) in listed
    assert clashes > 0


@pytest.fixture(scope="module")
def drawn(chain):
    """Two drawn conformations, without room for hydrogens."""
    model = load("genzprot")[0]
    atoms = Generator(model, chain)(chain.beads[:1], temperature=1.0, n_samples=2, seed=0)
    internal = InternalCoordinates.of(chain.trace())
    atoms = torch.as_tensor(np.asarray(atoms), dtype=torch.float32)
    chis = side_chain_torsions(atoms.numpy(), chain.mask, chain.types)
    torsions = torch.zeros(2, len(internal.types), 6)
    torsions[..., 1:5] = torch.from_numpy(np.nan_to_num(chis)).float()
    one = Conformation(internal, atoms[:, :, 1], torsions)
    return one.on_backbone(tuple(atoms[:, :, slot] for slot in (0, 2, 3)))


def scores(chain, conformation):
    whole = Completion(Mapping.ca(chain.trace()), HydrogenOptions(True))
    fine, (rows, parents) = whole.mapping.fine, _hydrogens(whole.mapping.fine)
    atoms = Hydrogens.of(fine, whole.hydrogens)(whole(conformation.atoms.numpy()[:, chain.mask]))
    heavy = atom14(fine, atoms)[0]
    return all_atom_clashscore(heavy, *chain.known, Judged(atoms[:, rows], parents))


def test_clashes_with_hydrogens_become_few(chain, drawn):
    roomy = make_room(drawn, PACKING)
    assert scores(chain, roomy).mean() < 0.7 * scores(chain, drawn).mean()
    assert roomy.backbone is drawn.backbone
    turned = torch.remainder(roomy.torsions - drawn.torsions + torch.pi, 2 * torch.pi) - torch.pi
    assert turned.abs().max() < 1.5 and (turned == 0).all(-1).float().mean() > 0.2


def test_frames_do_not_know_of_each_other(drawn):
    both, one = make_room(drawn, PACKING), make_room(drawn[1:], PACKING)
    assert torch.equal(both[1:].torsions, one.torsions)


def test_without_hydrogens_nothing_turns(drawn):
    assert make_room(drawn, Settings().packing) is drawn


def test_a_wide_box_changes_nothing(drawn):
    wide = Conformation(drawn.internal, drawn.beads, drawn.torsions, 500.0 * torch.eye(3).expand(2, 3, 3))
    plain, boxed = (make_room(one.on_backbone(drawn.backbone), PACKING) for one in (drawn, wide))
    assert torch.allclose(plain.torsions, boxed.torsions, atol=1e-3)


def test_no_side_chain_turns_into_atoms_that_were_not_listed(monkeypatch, drawn):
    """Of pairs, only those nearer than they may be are listed here: turned side chains meet others."""
    crowd, relieve, checked = light_relief.Crowd, light_relief.Crowd.relieve, []

    def spied(self, atoms, chosen, pulls=None):
        self.settings = dataclasses.replace(self.settings, listed=0.0)
        before = self._energies(atoms, chosen, self._listed(atoms, chosen, 0.0))
        angles, left = relieve(self, atoms, chosen, pulls)
        turned = (angles != 0).any(1)
        checked.append((before[turned], left[turned]))
        return angles, left

    monkeypatch.setattr(crowd, "relieve", spied)
    roomy = make_room(drawn, PACKING)
    ((before, left),) = checked
    internal = drawn.internal
    atoms, real = with_hydrogens(internal.types, internal.starts, roomy.atoms)
    fresh = crowd(internal, real, None, PACKING.hydrogens.relief)
    chosen = (roomy.torsions != drawn.torsions).any(2).nonzero()
    after = fresh._energies(atoms, chosen, fresh._listed(atoms, chosen, 0.0))
    assert len(before) > 10 and (left < before).all()
    torch.testing.assert_close(after, left, atol=1e-2, rtol=1e-3)
