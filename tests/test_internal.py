"""Angles to atoms and back; bonds, hands and planes of what comes out."""

import numpy as np
import pytest
import torch
from packs import read_chains
from traces import EVERY, angles_for, bond_deviations, internal_of, rotation, topology, trace

from mdbackmap.chemistry import residues
from mdbackmap.datafiles import VALIDATION
from mdbackmap.geometry.vectors import angle, dihedral, wrap
from mdbackmap.torsions.internal import InternalCoordinates
from mdbackmap.torsions.trace_ends import trace_neighbours

N, CA, C, O, CB = range(5)  # noqa: E741
HANDS = {"ILE": ("CA", "CB", "CG1", "CG2"), "THR": ("CA", "CB", "OG1", "CG2")}
HANDS |= {"VAL": ("CA", "CB", "CG1", "CG2"), "LEU": ("CB", "CG", "CD1", "CD2")}


def slots_of(coarse):
    """(N, 14) bool: the slots that hold an atom."""
    return torch.tensor([[k < len(residues.ATOMS[name]) for k in range(14)] for name in coarse.resnames])


def built(sequence=EVERY, frames=4, seed=0, shortest=3.70, longest=3.89, dtype=torch.float32, **molecule):
    """A molecule, a trace of it, angles drawn evenly, and its atoms."""
    coarse = topology(sequence, **molecule)
    internal = internal_of(coarse)
    ca = trace(len(sequence), seed, shortest, longest, frames, molecule.get("cis", ()), dtype)
    torsions = angles_for(internal, seed, frames, dtype)
    return coarse, internal, ca, torsions, internal.to_cartesian(ca, torsions)


def triple(a, centre, b, c):
    """Signed volume of three arms of a centre."""
    return (torch.cross(a - centre, b - centre, dim=-1) * (c - centre)).sum(-1)


def hands(atoms, coarse):
    """Signed volumes at CA and at the stereocentres (and the like) of side chains, by name."""
    found = {
        "CA": [triple(*(atoms[..., r, k, :] for k in (N, CA, C, CB))) for r in np.flatnonzero(coarse.resnames != "GLY")]
    }
    for name, centre in HANDS.items():
        slots = [residues.ATOMS[name].index(atom) for atom in centre]
        rows = np.flatnonzero(coarse.resnames == name)
        found[name] = [triple(*(atoms[..., r, k, :] for k in slots)) for r in rows]
    return {name: torch.stack(values) for name, values in found.items() if values}


@pytest.fixture(scope="module")
def crystal():
    """Signs of the hands of real proteins."""
    signs = {}
    for positions, mask, types, _ in read_chains(VALIDATION)[:6]:
        whole = mask.sum(1) == [len(residues.ATOMS[residues.RESIDUE_NAMES[kind]]) for kind in types]
        coarse = topology("".join(residues.ALPHABET[kind] for kind in types[whole]))
        for name, volumes in hands(torch.tensor(positions[0, whole]), coarse).items():
            signs.setdefault(name, []).append(volumes)
    signs = {name: torch.cat(volumes) for name, volumes in signs.items()}
    assert all((volumes.sign() == volumes[0].sign()).all() for volumes in signs.values())
    return {name: volumes[0].sign() for name, volumes in signs.items()}


MOLECULES = {
    "one chain": {},
    "cis": {"cis": (13, 20, 44)},
    "stretches": {"gaps": (3, 4, 5, 7, 13, 40, 41), "chains": "A" * 20 + "B" * 31},
}


@pytest.mark.parametrize("molecule", MOLECULES.values(), ids=MOLECULES)
def test_there_and_back(molecule):
    coarse, internal, ca, torsions, atoms = built(dtype=torch.float64, **molecule)
    found, known = internal.to_internal(ca, atoms, slots_of(coarse).expand(4, -1, -1))
    several = ~(internal.starts & internal.ends)
    wanted = internal.defined.clone()
    wanted[:, 0] &= several  # a lone residue's phi turns about a line: there is no telling it
    assert (known == wanted).all()
    wrong = (wrap(found - torsions).abs() * known).amax((0, 2))
    assert wrong.max() < 2e-3, coarse.label(int(wrong.argmax()))


def test_back_and_there_on_crystals():
    """Crystal atoms from their angles: the template is right to 0.06 angstrom or so."""
    positions, mask, types, ends = read_chains(VALIDATION)[0]
    atoms, mask = torch.tensor(positions[0]), torch.tensor(mask)
    gap = (atoms[1:, CA] - atoms[:-1, CA]).norm(dim=-1)
    internal = InternalCoordinates(
        torch.tensor(types), torch.tensor(ends), torch.cat([gap < 3.3, torch.tensor([False])])
    )
    torsions, known = internal.to_internal(atoms[:, CA], atoms, mask)
    again = internal.to_cartesian(atoms[:, CA], torsions)
    far = (again - atoms).norm(dim=-1)[:, [N, C, O]][1:-1]
    assert far.square().mean().sqrt() < 0.12
    side = (again - atoms).norm(dim=-1)[mask & known.any(1, keepdim=True)]
    assert side.median() < 0.15


def test_beads_are_kept_bit_for_bit():
    _, _, ca, _, atoms = built()
    assert (atoms[..., CA, :] == ca).all()


@pytest.mark.parametrize("molecule", MOLECULES.values(), ids=MOLECULES)
@pytest.mark.parametrize("distances", [(3.70, 3.70001), (3.80, 3.80001), (3.88999, 3.89), (3.70, 3.89)])
def test_bond_lengths(molecule, distances):
    """Within 3% of Engh and Huber's, rings of proline and chain ends included, whatever the angles."""
    coarse, _, _, _, atoms = built(shortest=distances[0], longest=distances[1], frames=20, **molecule)
    deviations, _ = bond_deviations(atoms, coarse)
    assert deviations.abs().max() < 0.03


def test_bond_lengths_of_strained_peptides():
    """All the template can bridge keeps its bonds; beyond that only CA-C and N-CA stretch, and no ring opens."""
    coarse, _, ca, _, atoms = built(shortest=3.3, longest=4.2, frames=20)
    assert bond_deviations(atoms, coarse)[0].abs().max() < 0.03
    coarse, _, ca, _, atoms = built(shortest=3.0, longest=4.8, frames=20)
    deviations, peptide = bond_deviations(atoms, coarse)
    length = (ca[:, 1:] - ca[:, :-1]).norm(dim=-1)
    beyond = torch.nn.functional.pad((length < 3.3) | (length > 4.2), (0, 2))[:, peptide]
    assert deviations[~beyond].abs().max() < 0.03
    assert deviations[beyond].abs().max() < 0.30


@pytest.mark.parametrize("molecule", MOLECULES.values(), ids=MOLECULES)
def test_hands_are_those_of_real_proteins(crystal, molecule):
    coarse, _, _, _, atoms = built(**molecule)
    for name, volumes in hands(atoms, coarse).items():
        assert (volumes.sign() == crystal[name]).all(), name


def test_a_mirrored_trace_does_not_mirror_the_protein(crystal):
    coarse, internal, ca, torsions, _ = built()
    atoms = internal.to_cartesian(ca * torch.tensor([1.0, 1.0, -1.0]), torsions)
    for name, volumes in hands(atoms, coarse).items():
        assert (volumes.sign() == crystal[name]).all(), name


@pytest.mark.parametrize("cis", [(), (13, 20, 44)], ids=["trans", "cis"])
def test_peptides_are_planar(cis):
    coarse, internal, _, _, atoms = built(cis=cis)
    here, there = atoms[:, :-1], atoms[:, 1:]
    omega = dihedral(here[..., CA, :], here[..., C, :], there[..., N, :], there[..., CA, :])
    wanted = torch.where(internal.cis[:-1], 0.0, torch.pi)
    assert wrap(omega - wanted).abs().max() < 0.01
    oxygen = dihedral(here[..., O, :], here[..., C, :], there[..., N, :], there[..., CA, :])
    assert wrap(oxygen - wanted - torch.pi).abs().max() < 0.01


def test_rings_are_planar():
    coarse, _, _, _, atoms = built()
    for name in ("PHE", "TYR", "TRP", "HIS"):
        ring = atoms[:, coarse.resnames == name][..., 5 : len(residues.ATOMS[name]), :]
        ring = ring - ring.mean(-2, keepdim=True)
        assert torch.linalg.svdvals(ring)[..., 2].max() < 0.03, name


@pytest.mark.parametrize("molecule", MOLECULES.values(), ids=MOLECULES)
def test_atoms_turn_and_move_with_the_beads(molecule):
    """Chains of one or two residues have no orientation of their own: those turn only as far as their beads say."""
    coarse, internal, ca, torsions, atoms = built(dtype=torch.float64, **molecule)
    turn, shift = rotation(3, torch.float64)
    moved = internal.to_cartesian(ca @ turn + shift, torsions)
    length = torch.bincount(torch.cumsum(internal.starts, 0) - 1)[torch.cumsum(internal.starts, 0) - 1]
    wrong = (moved - (atoms @ turn + shift)).abs().amax((0, 2, 3))
    assert wrong[length > 2].max() < 1e-6
    assert (length > 2).sum() > 30


def test_shifts_reach_every_atom():
    _, internal, ca, torsions, atoms = built("AGPAWGFK", gaps=(0, 2), dtype=torch.float64)
    assert torch.allclose(internal.to_cartesian(ca + 50.0, torsions), atoms + 50.0, atol=1e-8)


@pytest.mark.parametrize("sequence", list(residues.ALPHABET) + [a + b for a, b in zip("PGAWPK", "PPGFAP", strict=True)])
def test_short_chains_are_whole(sequence, crystal):
    for seed in range(3):
        coarse, _, _, _, atoms = built(sequence, seed=seed)
        assert torch.isfinite(atoms).all()
        assert bond_deviations(atoms, coarse)[0].abs().max() < 0.03
        for name, volumes in hands(atoms, coarse).items():
            assert (volumes.sign() == crystal[name]).all(), name


def line(n, back=False):
    """A straight trace, or one that folds back on itself at each step."""
    ca = torch.zeros(1, n, 3)
    steps = torch.arange(n) % 2 if back else torch.arange(n)
    ca[0] = 3.8 * steps[:, None] * torch.nn.functional.normalize(torch.tensor([1.0, 2.0, -0.5]), dim=0) + 20.0
    return ca


@pytest.mark.parametrize("back", [False, True], ids=["straight", "folded"])
def test_straight_and_folded_traces(back, crystal):
    coarse = topology(EVERY)
    internal = internal_of(coarse)
    atoms = internal.to_cartesian(line(len(EVERY), back), angles_for(internal))
    assert torch.isfinite(atoms).all()
    deviations, _ = bond_deviations(atoms, coarse)
    assert deviations.abs().max() < 0.03
    if not back:
        for name, volumes in hands(atoms, coarse).items():
            assert (volumes.sign() == crystal[name]).all(), name


@pytest.mark.parametrize("where", [1, 5, 30])
def test_coincident_beads_give_numbers(where):
    coarse = topology(EVERY)
    internal = internal_of(coarse)
    ca = trace(len(EVERY))
    ca[:, where] = ca[:, where - 1]
    atoms, whole = (internal.to_cartesian(beads, angles_for(internal)) for beads in (ca, trace(len(EVERY))))
    assert torch.isfinite(atoms).all()
    apart = torch.arange(len(EVERY)) - where
    far = (apart > 3) | (apart < -4)  # residues that know neither of the two beads stay as they were
    assert far.sum() > 20 and torch.equal(atoms[:, far], whole[:, far])
    assert ((atoms[:, :, CA] - ca).norm(dim=-1) < 1e-4).all()


@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_nothing_is_left_at_the_origin_or_on_its_bead(offset):
    coarse, internal, ca, torsions, _ = built(gaps=(0, 2, 20))
    atoms = internal.to_cartesian(ca + offset, torsions)
    there = slots_of(coarse)
    there[:, CA] = False
    there[coarse.resnames == "PRO", 5] = False  # far ends of side chains, evenly drawn, may fold back
    there[:, 7:] = False
    from_bead = (atoms - (ca + offset).unsqueeze(-2)).norm(dim=-1)[:, there]
    assert from_bead.min() > 1.3 and from_bead.max() < 9.0
    assert (atoms[:, ~slots_of(coarse)] == (ca + offset).unsqueeze(-2).expand_as(atoms)[:, ~slots_of(coarse)]).all()


def test_neighbours_of_the_trace_stop_at_stretches():
    coarse, internal, ca, _, _ = built(gaps=(9, 30))
    before, after = trace_neighbours(ca, internal.first, internal.last)
    inner = torch.ones(len(EVERY), dtype=bool)
    inner[internal.first] = False
    assert (before[:, inner] == ca.roll(1, 1)[:, inner]).all()
    made = before[:, internal.first] - ca[:, internal.first]
    assert torch.allclose(made.norm(dim=-1), torch.tensor(3.8), atol=1e-4)
    made = after[:, internal.last] - ca[:, internal.last]
    assert torch.allclose(made.norm(dim=-1), torch.tensor(3.8), atol=1e-4)


def test_short_stretches_turn_with_the_molecule():
    """A residue alone and a piece of two have no frame of their own: what is around them gives one."""
    coarse, internal, ca, torsions, _ = built(gaps=(0, 1, 3, 4))
    turn, shift = rotation()
    made, turned = (internal.to_cartesian(beads, torsions) for beads in (ca, ca @ turn + shift))
    assert torch.allclose(made @ turn + shift, turned, atol=1e-3)
    n, alpha, c = (made[:, [0, 1, 4], k] for k in (0, 1, 2))
    bend = angle(n, alpha, c).rad2deg()
    assert ((bend - 111).abs() < 3).all() and internal.last[:4].tolist() == [0, 1, 3, 4]
    one = InternalCoordinates(torch.tensor([0]), torch.tensor([True]), torch.tensor([False]))  # nothing is around it
    assert torch.isfinite(one.to_cartesian(torch.zeros(1, 1, 3), torch.zeros(1, 1, 6))).all()


def test_stretches_do_not_know_of_each_other():
    """A molecule of several stretches is those stretches."""
    _, _, ca, torsions, atoms = built(gaps=(9, 30))
    for start, stop in ((0, 10), (10, 31), (31, 51)):
        alone = internal_of(topology(EVERY[start:stop]))
        part = alone.to_cartesian(ca[:, start:stop], torsions[:, start:stop])
        assert torch.allclose(part, atoms[:, start:stop], atol=1e-5)


def test_missing_atoms_are_unknown_angles():
    coarse, internal, ca, _, atoms = built()
    mask = slots_of(coarse).expand(4, -1, -1).clone()
    mask[:, 10, 5] = False  # CG of the first LEU
    mask[:, 20, O] = False
    _, known = internal.to_internal(ca, atoms, mask)
    assert not known[:, 10, 1:].any() and not known[:, 20, 0].any()
    assert (known[:, 11] == internal.defined[11]).all()


def test_geometry_stays_exact_under_autocast():
    """bfloat16 is for the network: atoms are placed in single precision all the same."""
    coarse, internal, ca, torsions, atoms = built()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert (internal.to_cartesian(ca, torsions) == atoms).all()
