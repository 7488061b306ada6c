"""Inputs of the benchmarks: a crystal chain of about 150 residues, and a large complex made of its copies."""

import h5py
import MDAnalysis as mda
import numpy as np
import pytest

from mdbackmap.chemistry.residues import RESIDUE_NAMES
from mdbackmap.datafiles import VALIDATION

LENGTH = 150


@pytest.fixture(scope="session")
def chain():
    """Residue names (n,) and C-alpha positions (n, 3) of the validation chain whose length is nearest to 150."""
    with h5py.File(VALIDATION) as pack:
        offsets = pack["chain/offset"][:]
        k = np.abs(np.diff(offsets) - LENGTH).argmin()
        rows = slice(offsets[k], offsets[k + 1])
        names = np.array(RESIDUE_NAMES)[pack["residue/seq"][rows]]
        return names, pack["residue/ca"][rows] * float(pack.attrs["step"])


@pytest.fixture(scope="session")
def trajectory(chain, tmp_path_factory):
    """A function that writes so many frames of the chain, each tumbling and shaken by 0.03 A: ca.pdb and ca.xtc."""
    folder = tmp_path_factory.mktemp("beads")

    def write(n_frames):
        universe = trace(*chain, n_chains=1)
        rng = np.random.default_rng(0)
        start = universe.atoms.positions - universe.atoms.positions.mean(axis=0)
        pdb, xtc = str(folder / "ca.pdb"), str(folder / f"ca-{n_frames}.xtc")
        universe.atoms.write(pdb)
        with mda.Writer(xtc, universe.atoms.n_atoms) as writer:
            for frame in range(n_frames):
                axes, _ = np.linalg.qr(rng.normal(size=(3, 3)))
                axes[:, 0] *= np.linalg.det(axes)
                universe.atoms.positions = start @ axes + rng.normal(scale=0.03, size=start.shape)
                universe.trajectory.ts.time, universe.trajectory.ts.frame = 10.0 * frame, frame
                writer.write(universe.atoms)
        return pdb, xtc

    return write


@pytest.fixture(scope="session")
def complex_pdb(chain, tmp_path_factory):
    """One frame of a complex of 5,000 residues and more: copies of the chain on a lattice, nearly touching."""
    filename = str(tmp_path_factory.mktemp("complex") / "complex.pdb")
    trace(*chain, n_chains=-(-5000 // len(chain[0]))).atoms.write(filename)
    return filename


def trace(names, positions, n_chains):
    """A Universe of copies of a C-alpha trace, each a chain and a segment of its own."""
    n = len(names)
    universe = mda.Universe.empty(
        n * n_chains,
        n_residues=n * n_chains,
        n_segments=n_chains,
        atom_resindex=np.arange(n * n_chains),
        residue_segindex=np.repeat(np.arange(n_chains), n),
        trajectory=True,
    )
    letters = [chr(code) for code in (*range(65, 91), *range(97, 123), *range(48, 58))]
    universe.add_TopologyAttr("names", ["CA"] * n * n_chains)
    universe.add_TopologyAttr("resnames", np.tile(names, n_chains))
    universe.add_TopologyAttr("resids", np.tile(np.arange(1, n + 1), n_chains))
    universe.add_TopologyAttr("chainIDs", np.repeat(letters[:n_chains], n))
    universe.add_TopologyAttr("segids", letters[:n_chains])
    edge = int(np.ceil(n_chains ** (1 / 3)))
    cells = np.array(np.unravel_index(np.arange(n_chains), (edge, edge, edge))).T * (np.ptp(positions, axis=0) + 5)
    universe.atoms.positions = (positions[None] + cells[:, None]).reshape(-1, 3)
    return universe
