"""Small files of users and of the PDB, converted: `tests/cases/NAME/README.md` says what is right."""

import warnings
from pathlib import Path

import MDAnalysis as mda
import numpy as np
import pytest

from mdbackmap.cli import main

CASES = Path(__file__).parent / "cases"
ONE_CHAIN = "A 1-76"


class Converted:
    """What a conversion of a case wrote and said."""

    def __init__(self, folder, capsys, name, *files, options=()):
        arguments = [str(CASES / name / file) for file in files]
        settings = ["--temperature", "0", "--bead-tolerance", "0", "--threads", "1"]
        self.status = main(["convert", *arguments, "-o", str(folder / "aa.xtc"), *settings, *options])
        self.said = capsys.readouterr().err
        self.written = sorted(path.name for path in folder.iterdir())
        if self.status == 0:
            self._read(folder)

    def _read(self, folder):
        topology = next(folder.glob("aa.pdb"), folder / "aa.cif")
        kind = {} if topology.suffix == ".pdb" else {"topology_format": "MMCIF"}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.universe = mda.Universe(str(topology), str(folder / "aa.xtc"), **kind)
        self.atoms = self.universe.atoms
        self.residues = self.universe.residues

    @property
    def pieces(self):
        """Stretches, as in "A 1-76": between OXT and OXT."""
        found, first = [], 0
        for k, residue in enumerate(self.residues):
            if "OXT" in residue.atoms.names:
                chain, start = residue.atoms.chainIDs[0], self.residues[first].resid
                found.append(f"{chain} {start}-{residue.resid}" if k > first else f"{chain} {start}")
                first = k + 1
        assert first == len(self.residues)
        return found


@pytest.fixture
def convert(tmp_path, capsys):
    return lambda *case, **options: Converted(tmp_path, capsys, *case, **options)


def sequence(name, file="sequence.fasta"):
    return ["--sequence", str(CASES / name / file)]


@pytest.mark.parametrize(
    ("name", "files", "options", "n_frames", "n_atoms", "pieces", "said"),
    [
        ("altloc-no-a", ["ca.pdb"], [], 1, 602, [ONE_CHAIN], "ASP 21 of chain A (B), GLN 41 of chain A (A)"),
        ("bonds-partial-psf", ["ca.psf", "ca.dcd"], [], 4, 602, [ONE_CHAIN], ""),
        ("calcium-xyz", ["ca.xyz"], sequence("calcium-xyz"), 3, 602, [ONE_CHAIN], ""),
        (
            *("fasta-one-record", ["hps.data", "hps.lammpsdump"], sequence("fasta-one-record", "rcsb.fasta")),
            *(4, 1204, ["A 1-76", "B 1-76"], ""),
        ),
        ("incomplete-inner", ["part.pdb"], [], 1, 561, ["A 100-129", "A 131-169"], "no CA: THR 130 of chain A"),
        ("incomplete-last", ["2xhe_part.pdb"], [], 1, 471, ["A 506-509", "A 561-616"], "no CA: ALA 617 of chain A"),
        ("letters-xyz", ["ca.xyz"], sequence("letters-xyz"), 3, 602, [ONE_CHAIN], ""),
        ("letters-xyz", ["ca.xyz"], [], 3, 602, [ONE_CHAIN], ""),
        ("lone-residue", ["ca.pdb"], [], 1, 336, ["A 1-2", "A 10", "A 20-22", "A 41-76"], "GLY 10 of chain A"),
        ("micro-1ejg", ["1ejg.pdb"], [], 1, 327, ["A 1-46"], "PRO 22 of chain A (A)"),
        ("micro-apart", ["ca.pdb"], [], 1, 600, [ONE_CHAIN], "SER 21 of chain A (A)"),
        ("names-gromacs", ["ca.gro"], [], 1, 602, [ONE_CHAIN], ""),
        ("numbers-hybrid36", ["ca.pdb"], [], 1, 602, ["A 9970-10045"], ""),
        ("order-hetatm-last", ["ca.pdb"], [], 1, 602, [ONE_CHAIN], "in the order of their residue numbers"),
    ],
)
def test_case(convert, name, files, options, n_frames, n_atoms, pieces, said):
    found = convert(name, *files, options=options)
    assert found.status == 0, found.said
    assert len(found.universe.trajectory) == n_frames
    light = np.char.startswith(found.atoms.names.astype(str), "H")
    assert (~light).sum() == n_atoms and light.sum() > 0.7 * n_atoms
    assert found.pieces == pieces
    assert said in found.said
    assert ("warning" in found.said) == bool(said), found.said
    assert peptide_bonds(found) == pytest.approx(1.33, abs=0.1)


def peptide_bonds(found):
    """C-N distances within pieces: all of them are bonds if these are."""
    ends = np.array(["OXT" in residue.atoms.names for residue in found.residues])
    carbon, nitrogen = (found.universe.select_atoms(f"name {name}").positions for name in "CN")
    return np.linalg.norm(nitrogen[1:] - carbon[:-1], axis=1)[~ends[:-1]]


def test_moved_beads_lie_on_their_own_residues(convert):
    """HETATM at the end of the file are put where their numbers say: each CA lies on the bead of its number."""
    found = convert("order-hetatm-last", "ca.pdb")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        beads = mda.Universe(str(CASES / "order-hetatm-last" / "ca.pdb"))
    of_number = dict(zip(beads.residues.resids.tolist(), beads.atoms.positions, strict=True))
    ca = found.universe.select_atoms("name CA")
    np.testing.assert_allclose(ca.positions, [of_number[number] for number in ca.resids.tolist()], atol=0.011)  # XTC
    assert found.residues.resnames[[10, 35, 36, 60]].tolist() == ["MSE"] * 4


def test_a_closed_chain_is_closed_by_a_peptide(convert):
    found = convert("cyclic-5vav", "ca.pdb", options=["--no-hydrogens"])
    assert found.status == 0
    atoms = found.universe.atoms
    assert atoms.n_atoms == 110 and "OXT" not in atoms.names
    last, first = atoms.select_atoms("resid 14 and name C"), atoms.select_atoms("resid 1 and name N")
    assert abs(np.linalg.norm(last.positions - first.positions) - 1.33) < 0.05


def test_a_closed_chain_is_open_if_its_end_is_named(convert):
    found = convert("cyclic-5vav", "ca.pdb", options=["--breaks", "A:14"])
    assert found.status == 0
    assert found.pieces == ["A 1-14"]
