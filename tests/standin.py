"""
A fast fake `Backmapper`: atoms at small pseudo-random offsets from their beads, keyed as the real ones are.

It keeps the contract (same atoms for the same beads, frame, sample, seed; beads kept exactly; NaN refused) and counts
its calls, so that reading and writing can be tested without a network. `test_standin` holds it against the real one.
"""

import time
from types import SimpleNamespace

import MDAnalysis as mda
import numpy as np

from mdbackmap.molecule.mapping import Mapping
from mdbackmap.molecule.system import System
from mdbackmap.molecule.topology import Topology
from mdbackmap.options import KEEP_TOLERANCE, HydrogenOptions, SamplingOptions
from mdbackmap.universes.live import lifted
from mdbackmap.universes.reader import bead_indices
from mdbackmap.universes.universe import universe_of

SEQUENCE = "GASPVTCLINDQKEMHFRYW"


class Standin:
    """A stand-in for `Backmapper`."""

    device, hydrogens = SimpleNamespace(type="cpu"), HydrogenOptions(False)
    refine = None
    provenance = {"model": "standin", "version": "0", "sha256": "0" * 64}

    def __init__(self, coarse, indices=None, delay=0.0):
        self.mapping = Mapping.ca(coarse)
        self.indices = np.arange(coarse.n_atoms) if indices is None else np.asarray(indices)
        self.delay, self.bead_names, self.kept = delay, None, None
        self.calls = []

    converted = property(lambda self: self.mapping)
    system = property(lambda self: System(self.mapping))
    n_beads = property(lambda self: self.mapping.n_beads)
    n_atoms = property(lambda self: self.mapping.n_atoms)
    topology = property(lambda self: self.mapping.fine)

    uses_key_frames = False

    def keeps_beads(self, options):
        return options.tolerance.keeps

    def with_threads(self, threads):
        return self

    def keeping(self, keep, cg, tolerance=KEEP_TOLERANCE, aliases=None):
        raise NotImplementedError("the stand-in builds around nothing")

    def refining(self, refine="openmm"):
        raise NotImplementedError("the stand-in knows no force field")

    def like(self, topology):
        raise NotImplementedError("the stand-in has an order of its own")

    def carrying(self, passthrough, cg, aliases=None):
        raise NotImplementedError("the stand-in carries nothing along")

    def batch_size(self, requested="auto"):
        if requested == "auto":
            return 16
        if isinstance(requested, bool) or not isinstance(requested, (int, np.integer)) or requested < 1:
            raise ValueError(f"batch_size={requested!r}")
        return int(requested)

    def sample(
        self, beads, frames, *, samples=0, times=None, dimensions=None, seed=SamplingOptions.seed,
        temperature=SamplingOptions.temperature, correlation_time=SamplingOptions.correlation_time,
        bead_tolerance=SamplingOptions.bead_tolerance, mirror=SamplingOptions.mirror, wrap=SamplingOptions.wrap,
        key_beads=None,
    ):  # fmt: skip
        beads = np.asarray(beads, dtype=np.float32)
        finite = np.isfinite(beads).all(axis=(1, 2))
        if not finite.all():
            raise ValueError(f"frame {np.asarray(frames)[~finite][0]}: beads are not finite")
        self.calls.append(len(beads))
        time.sleep(self.delay)
        atoms = self.mapping.lift(beads)
        samples = np.broadcast_to(samples, len(beads))
        for out, frame, sample in zip(atoms, frames, samples, strict=True):
            rng = np.random.Generator(np.random.Philox(key=[seed, int(frame) << 20 | int(sample)]))
            offset = temperature * rng.uniform(-1, 1, out.shape).astype(np.float32)
            offset[self.mapping.atoms] = 0.0
            out += offset
        return atoms

    def displacements(
        self, beads, atoms, dimensions=None, mirror=SamplingOptions.mirror, wrap=SamplingOptions.wrap,
    ):  # fmt: skip
        return np.linalg.norm(self.mapping.project(atoms) - beads, axis=-1).astype(np.float32)

    def universe(self):
        return universe_of(self.mapping.fine)

    def lift(self, cg):
        u = self.universe()
        u.trajectory = lifted(cg.universe.trajectory, self.mapping, bead_indices(cg.atoms, self))
        return u


def standin(atoms, delay=0.0):
    """Bind the stand-in to an AtomGroup of C-alpha beads."""
    return Standin(Topology.from_atoms(atoms), atoms.ix, delay)


def chain(n_beads=20, n_frames=41, box=True, seed=0):
    """A Universe in memory: a random C-alpha trace of `n_beads`, as float32, with times and a box that grows."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=(n_frames, n_beads, 3))
    steps *= 3.8 / np.linalg.norm(steps, axis=-1, keepdims=True)
    positions = np.cumsum(steps, axis=1).astype(np.float32)  # (F, N, 3)
    u = mda.Universe.empty(n_beads, n_beads, 1, atom_resindex=range(n_beads), residue_segindex=[0] * n_beads)
    names = [_THREE[SEQUENCE[i % 20]] for i in range(n_beads)]
    for attribute, values in (("names", ["CA"] * n_beads), ("resnames", names), ("resids", range(1, n_beads + 1))):
        u.add_TopologyAttr(attribute, list(values))
    u.add_TopologyAttr("segids", ["A"])
    boxes = np.array([[90.0 + i, 90, 90, 90, 90, 90] for i in range(n_frames)], dtype=np.float32)
    u.load_new(positions, order="fac", dimensions=boxes if box else None, dt=2.0)
    return u


_THREE = dict(
    zip(
        "GASPVTCLINDQKEMHFRYW",
        "GLY ALA SER PRO VAL THR CYS LEU ILE ASN ASP GLN LYS GLU MET HIS PHE ARG TYR TRP".split(),
        strict=True,
    )
)
