"""`read_like`: a topology that the output has to have, from any file that MDAnalysis reads."""

from __future__ import annotations

import os
import warnings
from dataclasses import replace

import MDAnalysis as mda
import numpy as np

from ..checks import check_atoms
from ..molecule.attributes import attribute
from ..molecule.likeness import Likeness
from ..molecule.topology import Topology
from ..reading.reasons import reason


def read_like(like) -> Likeness:
    """
    The topology of a file, a Universe or an AtomGroup.

    Parameters
    ----------
    like : path-like, Universe or AtomGroup
        A file needs no coordinates: PDB, PRMTOP, PSF, GRO, TPR, ...

    Returns
    -------
    Likeness

    Raises
    ------
    FileNotFoundError, ValueError, TypeError
        No such file, one that MDAnalysis cannot read, or something else.
    """
    name = "like="
    if isinstance(like, (str, os.PathLike)):
        name = os.fspath(like)
        if not os.path.exists(name):
            raise FileNotFoundError(f"no such file: {name}")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what the file does not say
                like = mda.Universe(name)
        except Exception as error:  # any parser, any error
            raise ValueError(f"MDAnalysis cannot read the topology {name}: {reason(error)}") from error
    check_atoms(like, "like")
    atoms = like.atoms.unique
    topology = Topology.from_atoms(atoms)
    first = np.searchsorted(topology.residue_of_atom, np.arange(topology.n_residues))
    resnames = attribute(atoms, "resnames", "")[first]
    named = bool((attribute(atoms, "chainIDs", "") != "").any())
    return Likeness(replace(topology, resnames=resnames, variants=resnames), name, named)
