"""
mdbackmap: put the atoms back into coarse-grained protein trajectories.

Read the beads of a protein with MDAnalysis, bind a model to its molecule, and get an ordinary all-atom Universe whose
atoms are generated frame by frame while it is read::

    import MDAnalysis as mda
    import mdbackmap as mdb
    from mdbackmap.datafiles import GO_PDB, GO_XTC

    cg = mda.Universe(GO_PDB, GO_XTC)
    model = mdb.load_model("genzprot", cg.atoms)           # bundled weights, bound to this molecule
    u = model.lift(cg)                                     # all-atom Universe: every atom sits on its bead
    u.trajectory.add_transformations(mdb.Backmap(model))   # now every atom is in its place

or write a file, a batch of frames at a time::

    mdb.BackmapTrajectory(cg.atoms, model, filename="aa.xtc", n_samples=5).run(verbose=True)

The command line does the same: ``mdbackmap convert ca.pdb ca.xtc -o aa.xtc``.

================== ================================================================================
name               what it is
================== ================================================================================
load_model         weights + molecule -> `Backmapper`
Backmapper         a model bound to one molecule: beads in, atoms out; `Backmapper.lift`
backmap            Universe in, all-atom Universe out, in one call
Backmap            the transformation that puts the atoms of a lifted Universe in their places
BackmapTrajectory  an analysis that writes the atoms of many frames to a file
BackmapReporter    a reporter of OpenMM that backmaps a simulation while it runs
DaskBackend        workers of a dask.distributed cluster, for ``BackmapTrajectory.run``
Scale              the transformation for trajectories whose lengths are in nm or reduced units
Topology           names, residues, chains and bonds at one resolution
Mapping            which atoms belong to which bead, and back
MappingError       the beads are not what was expected; the message says what to do
Noise              explicit randomness, keyed by seed, frame and sample
pierced_rings      rings of any molecule that a bond passes through
BeadGuesser        a guesser context of MDAnalysis: masses, elements and bonds of beads
================== ================================================================================

Units are those of MDAnalysis: angstrom, picosecond, degrees in boxes. Randomness is always an argument: the same seed
gives the same atoms, on the fly, in a file and from the command line, whatever the batch size.

Importing `mdbackmap` loads neither torch nor MDAnalysis; each name above is fetched when it is first used.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOME = {
    "load_model": "loading",
    "Backmapper": "backmapper",
    "Backmap": "transformation",
    "backmap": "transformation",
    "BackmapTrajectory": "trajectory",
    "BackmapReporter": "reporter",
    "DaskBackend": "conversion.cluster",
    "Scale": "universes.scaling",
    "Topology": "molecule.topology",
    "Mapping": "molecule.mapping",
    "MappingError": "molecule.mapping",
    "Noise": "generation.noise",
    "pierced_rings": "metrics.rings",
    "BeadGuesser": "guesser",
}

__all__ = [*_HOME, "__version__"]


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
