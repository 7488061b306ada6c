"""Recognition of C-alpha traces in universes of every kind, and the refusals."""

import warnings

import MDAnalysis as mda
import numpy as np
import pytest

from mdbackmap.molecule.mapping import Mapping, MappingError
from mdbackmap.recognition.recognise import recognise
from mdbackmap.recognition.spacing import strained

ALA_GLY = ["ALA", "GLY", "SER", "TRP", "LYS"]


def walk(n, step=3.8, noise=0.0, seed=0):
    """(n, 3) positions of a chain with steps of one length, along x with a zigzag; soft bonds with noise."""
    rng = np.random.default_rng(seed)
    steps = step * (1.0 + noise * rng.normal(size=n))
    turn = np.radians(25.0) * (-1.0) ** np.arange(n)
    return np.cumsum(steps[:, None] * np.stack([np.cos(turn), np.sin(turn), 0.0 * turn], axis=1), axis=0)


def universe(positions=None, residue=None, segment=None, **attributes):
    """A universe with just these attributes; one residue an atom unless `residue` says otherwise."""
    n = len(attributes["names"]) if "names" in attributes else len(positions)
    residue = np.arange(n) if residue is None else np.asarray(residue)
    n_residues = residue.max() + 1
    segment = np.zeros(n_residues, dtype=int) if segment is None else segment
    u = mda.Universe.empty(
        n, n_residues=n_residues, n_segments=max(segment) + 1, atom_resindex=residue, residue_segindex=segment
    )
    for name, values in attributes.items():
        u.add_TopologyAttr(name, values)
    if positions is not None:
        u.load_new(np.asarray(positions, dtype=np.float32)[None])
    return u


def trace(resnames=ALA_GLY, positions=None, **attributes):
    positions = walk(len(resnames)) if positions is None else positions
    return universe(positions, **({"names": ["CA"] * len(resnames), "resnames": resnames} | attributes))


def quietly(atoms, **options):
    """Recognition during which nothing is warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return recognise(atoms, **options)


# ---------------------------------------------------------------- what is found


def test_a_trace_is_one_bead_a_residue():
    indices, coarse, _ = quietly(trace().atoms)
    assert indices.tolist() == [0, 1, 2, 3, 4]
    assert coarse.sequence == "AGSWK"
    assert coarse.names.tolist() == ["CA"] * 5
    assert coarse.elements.tolist() == [""] * 5
    assert coarse.ends.tolist() == [False] * 4 + [True]
    assert coarse.bonds.tolist() == [[0, 1], [1, 2], [2, 3], [3, 4]]
    assert not coarse.cis.any()
    assert Mapping.ca(coarse).n_beads == 5


def test_a_universe_works_as_its_atoms():
    assert quietly(trace())[1].sequence == "AGSWK"


def test_order_and_repetition_of_a_group_do_not_matter():
    u = trace()
    indices, coarse, _ = quietly(u.atoms[[4, 1, 2, 1, 3]])
    assert indices.tolist() == [1, 2, 3, 4]
    assert coarse.sequence == "GSWK"


def test_names_of_chain_segment_and_insertion_come_through():
    n = 6
    u = trace(
        ["ALA"] * n,
        np.concatenate([walk(3), walk(3) + [0, 0, 20]]),
        segment=[0, 0, 0, 1, 1, 1],
        segids=["H", "L"],
        chainIDs=["H"] * 3 + ["L"] * 3,
        resids=[52, 52, 53, 52, 52, 53],
        icodes=["", "A", "", "", "A", ""],
    )
    _, coarse, _ = quietly(u)
    assert coarse.n_residues == n
    assert coarse.resids.tolist() == [52, 52, 53] * 2
    assert coarse.icodes.tolist() == ["", "A", ""] * 2
    assert coarse.chainIDs.tolist() == list("HHHLLL")
    assert coarse.segids.tolist() == list("HHHLLL")
    assert coarse.ends.tolist() == [False, False, True] * 2


def test_all_atoms_of_a_peptide_give_their_ca():
    names = ["N", "CA", "C", "O", "CB"]
    ca = walk(3)
    positions = np.concatenate([p + [[-1, 1, 0], [0, 0, 0], [1, 1, 0], [1, 2, 0], [0, 0, 1.5]] for p in ca])
    u = universe(positions, residue=np.repeat([0, 1, 2], 5), names=names * 3, resnames=["ALA", "MSE", "HID"])
    indices, coarse, _ = quietly(u, mapping="ca")
    assert indices.tolist() == [1, 6, 11]
    assert coarse.resnames.tolist() == ["ALA", "MET", "HIS"]


@pytest.mark.parametrize("name", ["B", "BB", "C", "", "AA"])
def test_a_lone_bead_may_have_another_name(name):
    indices, coarse, _ = quietly(trace(names=[name] * 5))
    assert indices.tolist() == list(range(5))
    assert coarse.sequence == "AGSWK"
    assert coarse.names.tolist() == ["CA"] * 5


def test_residue_names_in_the_name_field():
    assert quietly(universe(walk(5), names=ALA_GLY))[1].sequence == "AGSWK"
    assert quietly(universe(walk(5), names=ALA_GLY, residue=[0] * 5))[1].sequence == "AGSWK"


def test_one_letter_residue_names_are_no_nucleotides():
    assert quietly(trace(list("ACGTW")))[1].sequence == "ACGTW"


def test_chain_and_numbers_are_made_up_where_missing():
    _, coarse, _ = quietly(trace())
    assert coarse.resids.tolist() == [1, 2, 3, 4, 5]
    assert set(coarse.chainIDs) == {"A"}


def test_two_nameless_chains_that_number_from_one_get_their_own_letters():
    far = np.concatenate([walk(3), walk(3) + 50])
    _, coarse, _ = quietly(trace(["ALA"] * 6, far, resids=[1, 2, 3, 1, 2, 3]))
    assert coarse.chainIDs.tolist() == list("AAABBB")


# ---------------------------------------------------------------- left out, with one warning


def test_water_and_ions_and_caps_are_counted_once():
    names = ["C", "O", "CA", "N", "OW", "OW", "CA", "NA"]
    resnames = ["ACE", "ALA", "NME", "SOL", "SOL", "CA", "NA"]
    u = universe(np.zeros((8, 3)), residue=[0, 0, 1, 2, 3, 4, 5, 6], names=names, resnames=resnames)
    with pytest.warns(UserWarning, match=r"left out.*7 atoms \(2 ACE, 2 SOL, 1 NME, 1 CA, 1 NA\)") as caught:
        indices, coarse, _ = recognise(u)
    assert len(caught) == 1
    assert indices.tolist() == [2]
    assert coarse.sequence == "A"


@pytest.mark.parametrize("calcium", [{"resnames": ["CAL"]}, {"resnames": ["XCA"], "elements": ["CA"]}])
def test_a_calcium_called_ca_is_no_bead(calcium):
    elements = ["C"] * 5 + calcium.get("elements", ["Ca"])
    positions = np.concatenate([walk(5), [[0, 0, 30]]])
    u = trace(ALA_GLY + calcium["resnames"], positions, elements=elements)
    with pytest.warns(UserWarning, match="1 atoms"):
        indices, coarse, _ = recognise(u)
    assert indices.tolist() == [0, 1, 2, 3, 4]


def test_a_ligand_with_an_atom_ca_is_left_out():
    u = universe(
        np.concatenate([walk(5), np.full((2, 3), 40.0)]),
        residue=[0, 1, 2, 3, 4, 5, 5],
        names=["CA"] * 6 + ["CX"],
        resnames=[*ALA_GLY, "LIG"],
    )
    with pytest.warns(UserWarning, match="2 LIG"):
        assert recognise(u)[0].tolist() == [0, 1, 2, 3, 4]


def test_caps_end_a_chain():
    names = ["CA", "N", "C", "CA"]
    u = universe(walk(4, 1.9), names=names, resnames=["ALA", "NME", "ACE", "ALA"], resids=[2, 3, 3, 4])
    with pytest.warns(UserWarning, match="1 NME, 1 ACE"), pytest.warns(UserWarning, match="alone.*ALA 2.*ALA 4"):
        _, coarse, _ = recognise(u)
    assert coarse.ends.tolist() == [True, True]


# ---------------------------------------------------------------- refused, with advice


@pytest.mark.parametrize(
    ("u", "message"),
    [
        (trace(["ALA", "XYZ", "GLY"]), r"XYZ \(1 beads.*ALA, ARG.*aliases=\{'XYZ': NAME\}"),
        (trace(names=["CB"] * 5), "no C-alpha beads among 5 atoms.*5 CB"),
        (universe(walk(3), names=["OW"] * 3, resnames=["SOL"] * 3), "no C-alpha beads.*3 SOL"),
        (universe(walk(5), names=["1"] * 5, residue=[0] * 5), "5 beads share a residue.*sequence="),
        (universe(walk(5), residue=[0] * 5), "5 beads share a residue.*sequence="),
        (universe(walk(3), names=["CA"] * 3, resnames=["ALA"], residue=[0] * 3), "ALA 1 has 3 CA.*sequence="),
        (universe(walk(4), names=["CA", "CB"] * 2, resnames=["ALA"] * 4), "have no CA, the first ALA 2 with atoms CB"),
        (
            universe(walk(4), names=["BB", "SC1"] * 2, resnames=["LYS", "LYS"], residue=[0, 0, 1, 1]),
            "called as Martini's.*LYS 1 has BB, SC1.*BB, SC1, SC2",
        ),
    ],
)
def test_what_is_no_trace_is_explained(u, message):
    with pytest.raises(MappingError, match=message):
        recognise(u)


def test_an_empty_selection():
    with pytest.raises(MappingError, match="selection is empty"):
        recognise(trace().atoms[:0])


def test_alternate_locations():
    positions = walk(3)[[0, 1, 1, 2]]
    u = universe(
        positions,
        residue=[0, 1, 1, 2],
        names=["CA"] * 4,
        resnames=["ALA", "SER", "GLY"],
        altLocs=["", "A", "B", ""],
    )
    with pytest.warns(UserWarning, match=r"alternate locations.*SER 2 \(A\)"):
        indices, coarse, _ = recognise(u)
    assert indices.tolist() == [0, 1, 3]
    assert coarse.sequence == "ASG"
    u.add_TopologyAttr("occupancies", [1.0, 0.3, 0.7, 1.0])
    with pytest.warns(UserWarning, match=r"alternate locations.*SER 2 \(B\)"):
        assert recognise(u)[0].tolist() == [0, 2, 3]
    assert quietly(u.select_atoms("not altloc B"))[1].sequence == "ASG"


def test_two_residues_in_one_place():
    positions = np.append(walk(4), walk(4)[-1:] + 0.3, axis=0)
    with pytest.warns(UserWarning, match="alternate locations.*SER 4"):
        indices, coarse, _ = recognise(trace(["ALA", "GLY", "ALA", "SER", "THR"], positions, resids=[1, 2, 3, 4, 4]))
    assert indices.tolist() == [0, 1, 2, 3]
    assert coarse.sequence == "AGAS"


def test_mapping_is_a_known_bead_model():
    with pytest.raises(MappingError, match="'martini9' is not known: expected one of ca, "):
        recognise(trace(), mapping="martini9")
    with pytest.raises(MappingError, match="no beads called BB.*5 CA"):
        recognise(trace(), mapping="martini3")
    assert quietly(trace(), mapping="ca")[1].n_atoms == 5


@pytest.mark.parametrize(
    ("scale", "message"),
    [(0.1, "nanometres"), (1 / 3.8, "reduced"), (10, "ten times"), (0, "one point"), (2, "centres")],
)
def test_other_units_are_refused(scale, message):
    with pytest.raises(MappingError, match=f"expected 3.8 angstrom.*{message}"):
        recognise(trace(positions=scale * walk(5)))


def test_a_coordinate_that_is_not_finite_is_named():
    frames = np.stack([walk(5)] * 3)
    frames[1, 2, 0] = np.nan
    with pytest.raises(MappingError, match="frame 1: the position of chain ., ... 3 is NaN"):
        recognise(trace(), frames=frames)
    with pytest.raises(MappingError, match="no frames"):
        recognise(trace(), frames=frames[:0])
    with pytest.raises(MappingError, match=r"expected \(frames, 5, 3\)"):
        recognise(trace(), frames=frames[:, :4])


def test_the_frame_of_the_universe_is_named():
    positions = np.stack([walk(5)] * 4)
    positions[2, 3] = np.inf
    u = trace()
    u.load_new(positions.astype(np.float32))
    u.trajectory[2]
    with pytest.raises(MappingError, match="frame 2: the position of chain A, TRP 4 is NaN"):
        recognise(u)


# ---------------------------------------------------------------- sequence and aliases


def test_aliases():
    u = trace(["NLE", "GLY", "SEP", "DA", "ALA"])
    _, coarse, _ = quietly(u, aliases={"nle": "LEU", "SEP": "S", "DA": "ASP"})
    assert coarse.sequence == "LGSDA"
    with pytest.raises(MappingError, match="alias 'NLE': 'NOR' is not an amino acid"):
        recognise(u, aliases={"NLE": "NOR"})


def test_a_sequence_overrules_names():
    assert quietly(trace(), sequence="wwwww")[1].sequence == "WWWWW"
    assert quietly(trace(["NGP", "IGL", "IPR", "NGP", "NGP"]), sequence="AGPKR")[1].sequence == "AGPKR"


def test_a_lammps_universe_needs_a_sequence_and_takes_it():
    u = universe(walk(6), residue=[0] * 6, types=["1", "2", "3", "1", "2", "3"], resids=[1])
    with pytest.raises(MappingError, match="sequence="):
        recognise(u)
    _, coarse, _ = quietly(u, sequence="MKVLAG")
    assert coarse.sequence == "MKVLAG"
    assert coarse.resids.tolist() == [1, 2, 3, 4, 5, 6]
    assert coarse.ends.tolist() == [False] * 5 + [True]


def test_molecules_of_a_lammps_universe_are_chains():
    positions = np.concatenate([walk(3), walk(3) + 3.0])
    u = universe(positions, residue=[0, 0, 0, 1, 1, 1], types=["1"] * 6, resids=[1, 2])
    _, coarse, _ = quietly(u, sequence=["MKV", "AGS"])
    assert coarse.chainIDs.tolist() == list("AAABBB")
    assert coarse.resids.tolist() == [1, 2, 3, 1, 2, 3]
    assert coarse.ends.tolist() == [False, False, True] * 2


def test_a_list_of_sequences_splits_a_single_chain():
    positions = np.concatenate([walk(3), walk(2) + [11.0, 0, 0]])
    _, coarse, _ = quietly(universe(positions, residue=[0] * 5), sequence=["MKV", "AG"])
    assert coarse.sequence == "MKVAG"
    assert coarse.chainIDs.tolist() == list("AAABB")
    assert coarse.resids.tolist() == [1, 2, 3, 1, 2]
    assert coarse.ends.tolist() == [False, False, True, False, True]


def test_sequences_by_chain():
    far = np.concatenate([walk(2), walk(3) + 50])
    u = trace(["XXX", "XXX", "ALA", "ALA", "ALA"], far, chainIDs=list("AABBB"))
    assert quietly(u, sequence={"A": "WW"})[1].sequence == "WWAAA"
    assert quietly(u, sequence=["GG", "SSS"])[1].sequence == "GGSSS"


@pytest.mark.parametrize(
    ("sequence", "message"),
    [
        ("AAAA", r"4 residues for the molecule, expected 5.*A \(5\)"),
        ("AAAAB", "sequence has B: expected one-letter codes"),
        ({"C": "AAAAA"}, "chain C, which is not there"),
        ({"A": "AA"}, "2 residues for chain A, expected 5"),
        (["AA", "A"], r"lists 2 chains of together 3 residues \(2, 1\), expected 1 chains of together 5"),
    ],
)
def test_a_sequence_that_does_not_fit(sequence, message):
    with pytest.raises(MappingError, match=message):
        recognise(trace(), sequence=sequence)


# ---------------------------------------------------------------- breaks


def gap(size, resids, **attributes):
    """Six residues with the given distance between the third and the fourth."""
    positions = walk(6)
    positions[3:] += (size - 3.8) * (positions[3] - positions[2]) / 3.8
    return trace(["ALA"] * 6, positions, resids=resids, **attributes)


@pytest.mark.parametrize(
    ("u", "broken"),
    [
        (gap(3.8, [1, 2, 3, 4, 5, 6]), False),
        (gap(3.8, [1, 2, 3, 14, 15, 16]), False),  # author numbering jumps, the chain does not
        (gap(6.5, [1, 2, 3, 14, 15, 16]), True),
        (gap(6.5, [1, 2, 3, 4, 5, 6]), True),  # numbered on across two chains
        (gap(9.0, [1, 2, 3, 1, 2, 3]), True),
        (gap(3.8, [1, 2, 3, 4, 5, 6], chainIDs=list("AAABBB")), True),
        (gap(3.8, [1, 2, 3, 4, 5, 6], segment=[0, 0, 0, 1, 1, 1], segids=["X", "Y"]), True),
    ],
)
def test_chains_break_where_they_are_broken(u, broken):
    _, coarse, _ = quietly(u)
    assert coarse.ends.tolist() == [False, False, broken, False, False, True]
    assert [2, 3] not in coarse.bonds.tolist() or not broken


def test_without_positions_the_numbers_decide():
    u = universe(names=["CA"] * 4, resnames=["ALA"] * 4, resids=[1, 2, 7, 8])
    assert quietly(u)[1].ends.tolist() == [False, True, False, True]
    u = universe(names=["CA"] * 4, resnames=["ALA"] * 4, resids=[1, 1, 1, 2], icodes=["", "A", "A", ""])
    assert quietly(u)[1].ends.tolist() == [False, True, False, True]


def test_a_jump_in_the_numbers_makes_a_stretched_bond_a_break():
    positions = walk(40, noise=0.045)
    positions[20:] += [0.9, 0, 0]
    resids = np.arange(40)
    assert np.count_nonzero(quietly(trace(["ALA"] * 40, positions, resids=resids))[1].ends) == 1
    resids[20:] += 5
    assert np.flatnonzero(quietly(trace(["ALA"] * 40, positions, resids=resids))[1].ends).tolist() == [19, 39]


def test_breaks_overrule():
    u = gap(9.0, [1, 2, 3, 14, 15, 16])
    assert quietly(u, breaks=[])[1].ends.tolist() == [False] * 5 + [True]
    assert quietly(u, breaks=[0])[1].ends.tolist() == [True] + [False] * 4 + [True]
    assert quietly(u, breaks=[("A", 14)])[1].ends.tolist() == [False] * 3 + [True, False, True]
    assert quietly(gap(3.8, [1, 2, 3, 14, 15, 16]), breaks="topology")[1].ends[2]
    assert not quietly(gap(9.0, [1, 2, 3, 4, 5, 6]), breaks="topology")[1].ends[2]


def test_breaks_with_an_insertion_code():
    u = trace(["ALA"] * 3, resids=[52, 52, 53], icodes=["", "A", ""])
    assert quietly(u, breaks=[("A", "52A")])[1].ends.tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("breaks", "message"),
    [("here", "not understood"), ([9], "bead 9, expected 0..4"), ([("B", 2)], "0 such beads"), ([1.5], "1.5")],
)
def test_breaks_that_do_not_fit(breaks, message):
    with pytest.raises(MappingError, match=message):
        recognise(trace(), breaks=breaks)


def test_a_soft_bond_stretched_in_one_frame_is_no_break():
    frames = np.stack([walk(40, noise=0.045, seed=s) for s in range(8)])
    frames[0, 20:] += [0.9, 0, 0]
    u = trace(["ALA"] * 40, frames[0])
    assert 4.5 < np.linalg.norm(frames[0, 20] - frames[0, 19]) < 5.5
    assert np.count_nonzero(quietly(u)[1].ends) == 1
    assert np.count_nonzero(quietly(u, frames=frames)[1].ends) == 1
    frames[:, 20:] += [2.0, 0, 0]
    assert np.flatnonzero(quietly(u, frames=frames)[1].ends).tolist() == [19, 39]


def test_bonds_of_the_topology_decide():
    bonds = [(0, 1), (1, 2), (3, 4), (4, 5)]
    apart = gap(3.8, [1, 2, 3, 4, 5, 6], bonds=bonds)
    assert quietly(apart)[1].ends.tolist() == [False, False, True, False, False, True]
    joined = gap(7.0, [1, 2, 3, 4, 5, 6], bonds=[*bonds, (2, 3)])
    assert not quietly(joined)[1].ends[2]


def test_a_bond_that_reaches_too_far_is_none():
    u = gap(40.0, [1, 2, 3, 4, 5, 6], bonds=[(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)])
    with pytest.warns(UserWarning, match=r"ALA 3 of chain A to the next \(40 A\).*whole"):
        assert np.flatnonzero(recognise(u)[1].ends).tolist() == [2, 5]


@pytest.mark.parametrize(
    "bonds",
    [
        [(i, i + 1) for i in range(20, 39)],  # of a linker alone
        [(i, i + 1) for i in range(0, 39, 2)],  # every second
        [(3, 20), (5, 31)],  # disulfides
        [(i, i + 2) for i in range(38)],  # an elastic network
        [(i, i + 1) for i in range(39) if not 10 <= i < 14],  # all but those of a rigid helix
    ],
)
def test_bonds_of_a_part_do_not_break_the_rest(bonds):
    assert np.flatnonzero(quietly(trace(["ALA"] * 40, walk(40), bonds=bonds))[1].ends).tolist() == [39]


def test_a_chain_across_the_box_is_whole():
    positions = walk(12) % 20.0
    u = trace(["ALA"] * 12, positions)
    with pytest.warns(UserWarning, match="alone, bonded to no other residue: ALA 12 of chain A"):
        assert np.count_nonzero(recognise(u)[1].ends) > 1
    u.dimensions = [20, 20, 20, 90, 90, 90]
    assert np.count_nonzero(quietly(u)[1].ends) == 1


def test_a_chain_across_a_skewed_box_is_whole():
    box = mda.lib.mdamath.triclinic_vectors([30, 30, 30, 60, 60, 90])
    turn = np.linalg.qr([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 0.0, 1.0]])[0]  # along the diagonal
    positions = walk(30) @ turn.T
    wrapped = (positions @ np.linalg.inv(box) % 1.0) @ box
    u = trace(["ALA"] * 30, wrapped)
    u.dimensions = [30, 30, 30, 60, 60, 90]
    assert np.count_nonzero(quietly(u)[1].ends) == 1


def test_frames_may_be_read_for_the_beads_found():
    asked = []

    def read(indices):
        asked.append(indices.tolist())
        return walk(5)[None]

    u = trace()
    u.atoms.positions = 0.0
    quietly(u, frames=read)
    assert asked == [[0, 1, 2, 3, 4]]


# ---------------------------------------------------------------- cis and strain


def with_cis(noise, at=6, n=20, seed=0):
    rng = np.random.default_rng(seed)
    steps = 3.8 * (1.0 + noise * rng.normal(size=n - 1))
    steps[at] = 2.95
    return np.concatenate([[[0, 0, 0]], np.cumsum(steps[:, None] * [[1.0, 0, 0]], axis=0)])


def test_a_short_distance_in_a_protein_is_cis():
    _, coarse, _ = quietly(trace(["PRO"] * 20, with_cis(0.005)))
    assert np.flatnonzero(coarse.cis).tolist() == [6]


def test_one_frame_of_soft_bonds_has_no_cis():
    assert not quietly(trace(["PRO"] * 20, with_cis(0.05)))[1].cis.any()


def test_several_frames_tell_cis_from_a_short_bond():
    frames = np.stack([with_cis(0.05, seed=s) for s in range(60)])
    frames[0, 12:] -= [0.9, 0, 0]
    _, coarse, _ = quietly(trace(["PRO"] * 20, frames[0]), frames=frames)
    assert np.flatnonzero(coarse.cis).tolist() == [6]


def test_strained_knows_ends_and_cis():
    positions = with_cis(0.0, n=10)
    positions[8:] += [0.3, 0, 0]
    _, coarse, _ = quietly(trace(["ALA"] * 10, positions))
    assert np.flatnonzero(strained(positions, coarse)).tolist() == [7]
    assert strained(np.stack([positions] * 3), coarse).shape == (3, 10)
    _, cut, _ = quietly(trace(["ALA"] * 10, positions), breaks=[7])
    assert not strained(positions, cut).any()


def test_hundreds_of_chains_told_by_distance_alone():
    n, chains = 20, 300
    positions = np.concatenate([walk(n) + [0, 10 * i, 0] for i in range(chains)])
    u = universe(positions, names=["CA"] * len(positions), resnames=["GLY"] * len(positions))
    assert np.count_nonzero(quietly(u)[1].ends) == chains


# ---------------------------------------------------------------- what the input tells besides


def disulfide(bonds, sulfur="SG"):
    """An all-atom peptide ACE-CYX-HID-CYX-NME, each amino acid N, CA, C and one atom more."""
    names = ["CH3", *["N", "CA", "C", sulfur] * 3, "N"]
    residue = [0, *np.repeat([1, 2, 3], 4), 4]
    at = np.concatenate([[[-4.0, 0, 0]], np.repeat(walk(3), 4, axis=0), [[14.0, 0, 0]]])
    at += np.random.default_rng(0).normal(size=at.shape) * (np.array(names) != "CA")[:, None]
    u = universe(at, residue, names=names, resnames=["ACE", "CYX", "HID", "CYX", "NME"], bonds=bonds)
    u.add_TopologyAttr("chainIDs", ["A"] * len(names))
    return u


def test_variants_caps_and_disulfides_are_kept():
    with pytest.warns(UserWarning, match="left out"):
        coarse = recognise(disulfide([(4, 12)]))[1]
    assert coarse.resnames.tolist() == ["CYS", "HIS", "CYS"]
    assert coarse.variants.tolist() == ["CYX", "HID", "CYX"]
    assert coarse.caps.tolist() == [["ACE", ""], ["", ""], ["", "NME"]]
    assert coarse.disulfides.tolist() == [[0, 2]]
    fine = Mapping.ca(coarse).fine
    assert fine.variants.tolist() == coarse.variants.tolist()
    assert np.flatnonzero(fine.names == "SG").tolist() in fine.bonds.tolist()


@pytest.mark.parametrize("bonds, sulfur", [([(4, 8), (8, 12)], "SG"), ([(4, 12)], "CB")])
def test_bonds_that_are_no_disulfide(bonds, sulfur):
    with pytest.warns(UserWarning, match="left out"):
        coarse = recognise(disulfide(bonds, sulfur))[1]
    assert len(coarse.disulfides) == 0


def test_disulfides_among_beads():
    resnames = ["ALA"] * 40
    for k in (3, 20, 31):
        resnames[k] = "CYS"
    chain = [(k, k + 1) for k in range(39)]
    for more, expected in (([(20, 3)], [[3, 20]]), ([(3, 20), (3, 31)], []), ([(3, 20), (7, 30)], [])):
        coarse = quietly(trace(resnames, walk(40), bonds=chain + more))[1]
        assert coarse.disulfides.tolist() == expected
        assert coarse.bonds.tolist() == [list(pair) for pair in chain]


def test_names_that_a_sequence_overrules_are_no_variants():
    coarse = quietly(trace(["NGP", "HIE", "NGP"]), sequence="AHG")[1]
    assert coarse.variants.tolist() == ["ALA", "HIE", "GLY"]
    coarse = quietly(trace(["NGP", "HIE", "NGP"]), sequence="AAG")[1]
    assert coarse.variants.tolist() == ["ALA", "ALA", "GLY"]
