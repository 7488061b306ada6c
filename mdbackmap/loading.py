"""
`load_model`: weights and the beads of a universe become a `Backmapper`.

Shapes: f frames that are looked at, N beads. Positions in angstrom.
"""

from __future__ import annotations

from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from . import checkpoint
from .backmapper import Backmapper
from .checks import carries, check_atoms
from .citations import cite
from .generation.placing import with_cis
from .molecule.bead_definition import BeadModel
from .molecule.binding import bind as bind_beads
from .molecule.boxes import box_vectors, whole
from .molecule.mapping import MappingError
from .options import KEEP_TOLERANCE, HydrogenOptions
from .recognition.recognise import recognise
from .sampling.free_memory import tell_if_large
from .universes.like import read_like
from .universes.reader import bead_names
from .universes.survey import survey

if TYPE_CHECKING:
    from MDAnalysis import AtomGroup, Universe


def load_model(
    name_or_path: str | PathLike = "genzprot",
    atoms: AtomGroup | Universe = None,
    *,
    mapping: str | PathLike | BeadModel | None = None,
    sequence: str | list[str] | dict[str, str] | None = None,
    aliases: dict[str, str] | None = None,
    breaks: str | list | None = None,
    device: Any = None,
    threads: int | None = None,
    keep: AtomGroup | Universe | list | None = None,
    keep_tolerance: float = KEEP_TOLERANCE,
    hydrogens: bool | None = HydrogenOptions.hydrogens,
    ph: float = HydrogenOptions.ph,
    protonation: dict[str, str] | str | None = HydrogenOptions.protonation,
    ends: str = HydrogenOptions.ends,
    names: str = HydrogenOptions.names,
    caps: bool | None = HydrogenOptions.caps,
    passthrough: bool | str | AtomGroup | None = None,
    like: str | PathLike | AtomGroup | Universe | None = None,
    refine: str | None = None,
) -> Backmapper:
    """
    Load a model and bind it to a molecule.

    Parameters
    ----------
    name_or_path : str or path-like
        A bundled model ("genzprot") or a checkpoint of your own.
    atoms : AtomGroup or Universe
        The beads: a C-alpha trace, Martini or other beads of proteins, or anything that holds them (an all-atom
        structure, whose C-alphas are taken; a system with water). Residue names, chains, breaks and cis peptides are
        taken from here, once; some frames of its trajectory are looked at.
        A model of one molecule (CGVAE) brings its molecule along: the beads are checked against that.
    mapping : str, path-like or BeadModel, optional
        The bead model of the beads: "ca", "martini3", "calvados" or another name of `BEAD_MODELS`, or a JSON file of
        bead models. By default it is recognised, and a sentence says what was found.
    sequence : str, list of str or dict, optional
        One-letter codes that overrule residue names (all beads in a row, one string a chain, or one for all chains of
        its length, or by chainID).
    aliases : dict, optional
        Residue names to read as others, ``{"XYZ": "ALA"}``.
    breaks : {None, "auto", "topology"} or list, optional
        Where chains end; see `recognise.recognise`.
    device : str or torch.device, optional
        "cuda" if there is one, else "cpu".
    threads : int, optional
        Threads of torch while sampling; by default torch's own number.
    keep : AtomGroup, Universe, or list of these, optional
        Atoms that are known already: the rest is built around them (`Backmapper.keeping`).
    keep_tolerance : float
        How far kept atoms may put a bead off its place, in angstrom.
    hydrogens : bool, optional
        Whether proteins get hydrogens. By default they do; models of one molecule make the atoms that they were
        trained on.
    ph : float
        At which residues have their usual protons.
    protonation : dict or "propka", optional
        Forms of single residues, by chain and number: ``{"A:57": "HIP"}``. Names of residues in the input that say
        it, such as HIE, HSD or ASH, count, too. "propka" asks PROPKA (an extra) for all others, by the first frame at
        temperature 0; beside forms it is ``{"*": "propka", "A:57": "HIP"}``.
    ends : {"charged", "neutral"}
        First and last residues of chains with hydrogens.
    names : {"amber", "charmm", "gromacs"}
        Whose names atoms and residues get in files.
    caps : bool, optional
        True for acetyl (ACE) before the first residue and N-methylamide (NME) behind the last one of each unbroken
        stretch, at ends of chains and at gaps alike. By default where the input has caps; False for none.
    passthrough : True, str or AtomGroup, optional
        Molecules that are not converted, and come out as they are (`Backmapper.carrying`): True for all that is no
        amino acid, or which, in MDAnalysis' selection language. By default none.
    like : path-like, Universe or AtomGroup, optional
        A topology that the output has to have: its atoms in its order, with its names. It says whether there are
        hydrogens and which, if nothing else does.
    refine : "openmm", optional
        Minimise atoms at last, beads restrained (`Backmapper.refining`).

    Returns
    -------
    Backmapper

    Raises
    ------
    FileNotFoundError, CheckpointError
        No such model, or a file that is none.
    MappingError
        Beads that the model cannot use; the message says what was found and what to do.
    ValueError
        An unknown device.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> from mdbackmap.datafiles import GO_PDB, GO_XTC
    >>> cg = mda.Universe(GO_PDB, GO_XTC)
    >>> load_model("genzprot", cg.atoms)
    Backmapper(genzprot: 56 beads -> 850 atoms; 56 residues, A 2-57; cpu)
    """
    if atoms is None:
        raise TypeError("load_model needs the atoms to bind to: load_model('genzprot', cg.atoms)")
    check_atoms(atoms)
    network, provenance = checkpoint.load(name_or_path)
    cite(network.family)
    atoms, how = atoms.atoms, {"sequence": sequence, "aliases": aliases, "breaks": breaks}
    if network.molecule is not None:
        _refuse_names(network.molecule, mapping, how)
        indices, joined = bind_beads(atoms, network.molecule, f"the model {provenance['model']!r}"), network.molecule
        looked = boxes = None
    else:
        indices, joined, looked, boxes = _recognised(network, atoms, mapping, how, rest=not carries(passthrough))
    if like is not None:
        like = read_like(like)
        if network.open_ends:
            hydrogens, protonation, ends = _as_in(like, joined.fine, hydrogens, protonation, ends)
            joined = joined if caps is not None else _capped_as(like, joined)
    told = HydrogenOptions(hydrogens, ph, protonation, ends, names, caps)
    options = {"device": device, "threads": threads, "hydrogens": told}
    names = bead_names(atoms.universe.atoms[np.asarray(indices)])
    model = Backmapper(network, joined, indices, provenance, **options, looked=looked, boxes=boxes, names=names)
    tell_if_large(joined.coarse.n_residues, told.on, model.device)
    model = model if keep is None else model.keeping(keep, atoms, keep_tolerance, aliases)
    model = model.carrying(passthrough, atoms, aliases) if carries(passthrough) else model
    model = model if like is None else model.like(like)
    return model if refine is None else model.refining(refine)


def _recognised(network, atoms, mapping, how, rest):
    """Indices of a protein's beads, their mapping, beads (f, N, 3) of some frames, chains whole, and their boxes."""
    looked = {}

    def look(indices):
        looked["frames"], looked["dimensions"] = survey(atoms, indices)
        looked["indices"] = indices
        return looked["frames"]

    indices, coarse, beads = recognise(atoms, mapping=mapping, **how, frames=look, rest=rest)
    joined = network.mapping(coarse, beads)
    frames = looked["frames"][:, np.searchsorted(looked["indices"], indices)]  # in the chains' order
    boxes = box_vectors(looked["dimensions"], len(frames))
    frames = frames if boxes is None else whole(frames, boxes, joined.coarse, joined.followed)
    return indices, with_cis(network, joined, frames), frames, boxes


def _as_in(like, fine, hydrogens, protonation, ends):
    """Which hydrogens there are, by a topology where the user does not say it."""
    there, forms, their_ends = like.forms(fine)
    hydrogens = there if hydrogens is None else hydrogens
    if not hydrogens:
        return hydrogens, protonation, ends
    protonation = {"*": protonation} if isinstance(protonation, str) else protonation
    return True, forms | (protonation or {}), their_ends if ends == HydrogenOptions.ends else ends


def _capped_as(like, mapping):
    """The mapping with the caps of a topology."""
    return replace(mapping, fine=replace(mapping.fine, caps=like.caps(mapping.fine)))


def _refuse_names(molecule, mapping, how):
    """A model of one molecule knows its mapping and residues: nothing may overrule them."""
    if mapping not in (None, molecule.name):
        raise MappingError(f"mapping {mapping!r}: the model brings its own, {molecule.name!r}; leave it out")
    given = [name for name, value in how.items() if value is not None]
    if given:
        raise MappingError(f"{given[0]}=: the model is for one molecule and knows its residues; leave it out")
