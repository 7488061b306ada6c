"""
Known structures to judge models by: chains of a structure pack, ensembles, and models run on their traces.

Shapes: F frames, R residues, N beads, S samples, A atoms. Positions are in angstrom. `metrics.dihedrals` says what an
atom14 array is.
"""

import logging
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..chemistry.peptide_geometry import CIS_BELOW
from ..chemistry.residues import ALPHABET, CA, RESIDUE_NAMES
from ..generation.bound import bind
from ..generation.noise import Noise
from ..generation.placing import with_cis
from ..metrics.dihedrals import atom14, flat_atoms
from ..metrics.hydrogens import Hydrogens
from ..molecule.attributes import listed
from ..molecule.bead_models import CA as CA_MODEL
from ..molecule.heavy_atoms import protein_topology
from ..molecule.mapping import Mapping
from ..molecule.topology import Topology
from ..options import Keys, Tolerance
from .layouts import open_pack, present, text
from .structures import Structures

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Chain:
    """
    A protein whose atoms are known, in one frame or several.

    Attributes
    ----------
    name : str
    positions : ndarray of float, shape (F, R, 14, 3)
        Angstrom.
    mask : ndarray of bool, shape (R, 14)
        Atoms that are present.
    types : ndarray of int, shape (R,)
        Positions in `residues.ALPHABET`.
    ends : ndarray of bool, shape (R,)
        Last residue of each unbroken stretch.
    kind : str
        How it was found: "crystal", "MD", "NMR"; "" if that is not known.
    labels : ndarray of str, shape (R,), optional
        Chain, number and insertion code of each residue, such as "A 52A".
    hydrogens : Hydrogens, optional
        As far as they were read.
    boxes : ndarray of float, shape (F, 3, 3), optional
        Box vectors as rows, where there are boxes.
    rings : sequence of (int, int)
        First and last residues of closed stretches.

    Examples
    --------
    >>> from mdbackmap.datafiles import VALIDATION
    >>> read_chains(VALIDATION, limit=1)
    [<Chain 154L_A: 185 residues, 1 frame>]
    """

    name: str
    positions: np.ndarray
    mask: np.ndarray
    types: np.ndarray
    ends: np.ndarray
    kind: str = "crystal"
    labels: np.ndarray | None = None
    hydrogens: Hydrogens | None = None
    boxes: np.ndarray | None = None
    rings: tuple = ()

    def __repr__(self):
        n_frames = len(self.positions)
        return f"<Chain {self.name}: {len(self.types)} residues, {n_frames} frame{'s' * (n_frames != 1)}>"

    @property
    def beads(self):
        """C-alphas, (F, R, 3)."""
        return self.positions[:, :, CA]

    @property
    def known(self):
        """What the metrics want besides positions: mask, types, ends."""
        return self.mask, self.types, self.ends

    def trace(self):
        """
        The molecule as a model sees it: a C-alpha trace whose cis peptides are found from its distances alone.

        Returns
        -------
        Topology
        """
        distances = np.linalg.norm(np.diff(self.beads, axis=1), axis=-1)
        cis = np.append(np.median(distances, axis=0) < CIS_BELOW, False) & ~self.ends
        n = len(self.types)
        names = [RESIDUE_NAMES[kind] for kind in self.types]
        numbers = np.arange(1, n + 1)
        empty, chain = [""] * n, ["A"] * n
        return Topology(["CA"] * n, empty, np.arange(n), names, numbers, empty, chain, empty, self.ends, cis)

    def seen_through(self, beads):
        """
        The molecule as beads of a bead model, with OXT in the last ones where the model counts it.

        Parameters
        ----------
        beads : BeadModel

        Returns
        -------
        Mapping
            To heavy atoms; cis peptides are known only where beads are C-alphas.
        """
        trace = self.trace()
        if not beads.exact:
            trace = replace(trace, cis=None)
        return Mapping.of(beads, beads.topology(protein_topology(trace)))


def read_chains(filename, limit=None, *, split=None):
    """
    Chains of a structure pack.

    Parameters
    ----------
    filename : str or Path
    limit : int, optional
        Take this many, spread evenly over the file; all if None.
    split : int, optional
        Only chains of this split (1: held out of training); all if None.

    Returns
    -------
    list of Chain

    Raises
    ------
    ValueError
        If the file is no structure pack.

    Examples
    --------
    >>> from mdbackmap.datafiles import VALIDATION
    >>> len(read_chains(VALIDATION))
    85
    """
    structures = Structures.read(filename)
    splits = structures.chains["split"]
    chosen = np.flatnonzero(np.ones(len(splits), dtype=bool) if split is None else splits == split)
    return [chain_of(structures, chosen[k]) for k in spread(len(chosen), limit)]


def chain_of(structures, k):
    """Chain number k of `Structures`, in its one frame."""
    table = structures.chains
    rows = torch.arange(int(table["offset"][k]), int(table["offset"][k + 1]))
    mask, types, ends = (getattr(structures, name)[rows].numpy() for name in ("mask", "types", "ends"))
    name = "_".join(text(table[part][k]) for part in ("pdb_id", "chain_id"))
    return Chain(name, structures.atoms(rows).numpy()[None].astype(float), mask, types, ends)


def read_ensembles(filename, n_frames=5, limit=None, *, split=None, largest=700):
    """
    Systems of an ensemble file: MD trajectories and NMR models.

    Parameters
    ----------
    filename : str or Path
    n_frames : int
        Frames of each system, spread evenly over it.
    limit : int, optional
        Take this many systems, spread evenly over the file; all if None.
    split : int, optional
        Only systems of this split (1: held out of training); all if None.
    largest : int
        Leave out systems of more residues.

    Returns
    -------
    list of Chain

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it holds no ensembles, or is no HDF5 file.

    Examples
    --------
    >>> read_ensembles("ensembles.h5", n_frames=2)[0]  # doctest: +SKIP
    <Chain cobrotoxin: 62 residues, 2 frames>
    """
    with open_pack(filename) as pack:
        names = [name for name in pack if f"{name}/ca" in pack and pack[f"{name}/ca"].ndim == 3]
        if not names or pack.attrs.get("alphabet") != ALPHABET:
            raise ValueError(
                f"{filename} holds no ensembles: expected a group a system with ca, rel, mask, seq, and the attribute "
                f"alphabet {ALPHABET}; found {listed(pack, 5) or 'nothing'}"
            )
        step = float(pack.attrs.get("step", 0.001))  # the first files of this kind do not say it
        too_large = [name for name in names if len(pack[name]["seq"]) > largest]
        if too_large:
            logger.info("left out: %d systems of more than %d residues", len(too_large), largest)
            logger.debug("left out: %s", ", ".join(too_large))
        names = [name for name in names if name not in too_large]
        names = [name for name in names if split is None or pack[name].attrs["split"] == split]
        return [_ensemble(names[k], pack[names[k]], step, n_frames) for k in spread(len(names), limit)]


def _ensemble(name, group, step, n_frames):
    frames = spread(len(group["ca"]), n_frames)
    ca, relative = (group[part][frames].astype(float) * step for part in ("ca", "rel"))  # (F, R, 3), (F, R, 14, 3)
    mask = present(group["mask"][:])
    chain = group["chain"][:]
    ends = np.append((group["brk"][1:] > 0) | (chain[1:] != chain[:-1]), True)
    return Chain(name, ca[:, :, None] + relative, mask, group["seq"][:].astype(int), ends, text(group.attrs["kind"]))


def spread(n, limit):
    """
    Numbers of at most `limit` of `n` things, evenly spread; all of them if None.

    Examples
    --------
    >>> spread(10, 3), spread(2, None)
    ([0, 4, 9], [0, 1])
    """
    if limit is None or limit >= n:
        return list(range(n))
    return np.linspace(0, n - 1, limit).astype(int).tolist()


class Generator:
    """
    A model bound to the beads of one chain, without MDAnalysis.

    Parameters
    ----------
    model : Model
    chain : Chain
    settings : Settings, optional
        Of the pipeline.
    beads : BeadModel
        C-alphas alone by default.

    Examples
    --------
    >>> from mdbackmap.checkpoint import load
    >>> from mdbackmap.datafiles import VALIDATION
    >>> chain = read_chains(VALIDATION, limit=1)[0]
    >>> Generator(load("genzprot")[0], chain)(chain.beads, temperature=0.0).shape
    (1, 185, 14, 3)
    """

    def __init__(self, model, chain, settings=None, beads=CA_MODEL):
        if beads is CA_MODEL:
            mapping = model.mapping(chain.trace())
        else:
            mapping = chain.seen_through(beads)
            mapping = with_cis(model, mapping, mapping.project(flat_atoms(mapping.fine, chain.positions)))
        self.bound = bind(model.eval(), mapping, settings=settings)
        self.device = next(model.parameters()).device

    def __call__(self, beads, *, temperature=1.0, n_samples=1, seed=0, bead_tolerance=0.0):
        """
        Atoms for beads.

        Parameters
        ----------
        beads : ndarray of float, shape (F, N, 3)
        temperature : float
        n_samples : int
            Of each frame.
        seed : int
        bead_tolerance : float or "auto"
            As of `Backmapper.sample`.

        Returns
        -------
        ndarray of float32, shape (F * S, R, 14, 3)
            The samples of a frame follow each other.
        """
        frames, samples = (part.ravel().tolist() for part in np.indices((len(beads), n_samples)))
        tensor = torch.as_tensor(np.repeat(beads, n_samples, axis=0), dtype=torch.float32, device=self.device)
        with torch.inference_mode():
            noise, keys, tolerance = Noise(seed, temperature), Keys.of(frames, samples), Tolerance.of(bead_tolerance)
            atoms = self.bound.sample(tensor, noise, keys, tolerance=tolerance).cpu().numpy()
        return atom14(self.bound.mapping.fine, atoms)[0].astype(np.float32)
