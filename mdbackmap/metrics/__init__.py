"""
Metrics: how good generated structures are, by one protocol for every model.

============== =======================================================================================
module         what it measures
============== =======================================================================================
protocol       all of it: `evaluate` against a reference, `evaluate_geometry` without one, `summarise`
samples        several samples of a structure: best of them, diversity, divergence of torsions
spread         how far samples lie apart: an uncertainty, and whether errors follow it
table          figures as text, and what they are called
calibration    whether samples are as different as the truth
comparison     RMSD with equivalent atoms, side-chain torsions, cis peptides, against a reference
covalent       bonds and angles
clashes        contacts and clashscore
coherence      autocorrelation of chi1 in time, and jumps between rotamers
graphs         bond graphs of any molecule, and how they differ
hydrogens      clashes of all atoms, hydrogens too
dihedrals      phi, psi, omega, chi, chirality, C-beta deviation
limits         limits that a single structure has to keep
protein_judge  structures judged as they are made: scores, faults by residue
validity       the report on them: means, limits, worst residues
validity_plot  the same as a picture
rings          rings of any molecule that a bond passes through
universe_bonds bonds of all atoms of an AtomGroup
top8000        Ramachandran and rotamer scores
measure        all that is measured of structures, once
faults         what is wrong with structures, residue by residue
own_geometry   what modified residues have of their own
ideal          bond lengths and angles where there is no reference
============== =======================================================================================

numpy and scipy only.
"""

from importlib import import_module

_HOME = {
    **dict.fromkeys(("evaluate", "evaluate_geometry", "ramachandran", "summarise"), "protocol"),
    "evaluate_samples": "samples",
}

__all__ = ["evaluate", "evaluate_geometry", "evaluate_samples", "ramachandran", "summarise"]


def __getattr__(name):
    """Functions are fetched when they are first used: `table` alone needs no scipy."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)
