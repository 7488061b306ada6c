"""
Small real inputs that come with mdbackmap: paths, as strings, to be opened with MDAnalysis or h5py.

============================ ========================================================================================
name                         what it is
============================ ========================================================================================
GO_PDB, GO_XTC               C-alpha trace of protein G folding and unfolding in a Go model: 56 beads, 50 frames
CALVADOS_PDB, CALVADOS_XTC   alpha-synuclein, disordered, in CALVADOS-2: 140 beads, 25 frames
MARTINI_GRO, MARTINI_XTC     ubiquitin in Martini 3 with its water and ions, in its box: 1,336 beads, 8 frames
MEMBRANE_GRO, MEMBRANE_XTC   two helices in Martini 3 with lipids and ions around them: 936 beads, 3 frames
COMPLEX_PDB                  barnase and barstar (1BRS), heavy atoms: two chains, the second with a gap
ANTIBODY_PDB                 C-alphas of an antibody's variable domains (6X97), numbers with insertion codes
CRAMBIN_PDB                  C-alphas of crambin (1EJG), three disulfides
TRPCAGE_PDB, TRPCAGE_XTC     all-atom MD of trp-cage, heavy atoms: 20 residues, 20 frames
DIPEPTIDE_PDB, DIPEPTIDE_XTC all-atom MD of alanine dipeptide: 900 frames that no bundled model was trained on
CHIGNOLIN_PDB, CHIGNOLIN_XTC all-atom MD of chignolin, heavy atoms: 800 frames held out from `cgvae-chignolin`
VALIDATION                   the 85 crystal chains on which models are judged (HDF5)
============================ ========================================================================================

``README.md`` beside this file says where they come from; ``make.py`` made them. ``mdbackmap datafiles --copy`` copies
the files into the current folder.

Examples
--------
>>> import MDAnalysis as mda
>>> from mdbackmap.datafiles import GO_PDB, GO_XTC
>>> mda.Universe(GO_PDB, GO_XTC)
<Universe with 56 atoms>
"""

from pathlib import Path

__all__ = [
    "ANTIBODY_PDB",
    "CALVADOS_PDB",
    "CALVADOS_XTC",
    "CHIGNOLIN_PDB",
    "CHIGNOLIN_XTC",
    "COMPLEX_PDB",
    "CRAMBIN_PDB",
    "DIPEPTIDE_PDB",
    "DIPEPTIDE_XTC",
    "GO_PDB",
    "GO_XTC",
    "MARTINI_GRO",
    "MARTINI_XTC",
    "MEMBRANE_GRO",
    "MEMBRANE_XTC",
    "TRPCAGE_PDB",
    "TRPCAGE_XTC",
    "VALIDATION",
]

_folder = Path(__file__).parent

GO_PDB = str(_folder / "go_protein_g.pdb")
GO_XTC = str(_folder / "go_protein_g.xtc")
ANTIBODY_PDB = str(_folder / "antibody_6x97.pdb")
CALVADOS_PDB = str(_folder / "calvados_synuclein.pdb")
CALVADOS_XTC = str(_folder / "calvados_synuclein.xtc")
CHIGNOLIN_PDB = str(_folder / "chignolin_heavy.pdb")
CHIGNOLIN_XTC = str(_folder / "chignolin_heavy.xtc")
COMPLEX_PDB = str(_folder / "complex_1brs.pdb")
CRAMBIN_PDB = str(_folder / "crambin_1ejg.pdb")
DIPEPTIDE_PDB = str(_folder / "alanine_dipeptide.pdb")
DIPEPTIDE_XTC = str(_folder / "alanine_dipeptide.xtc")
MARTINI_GRO = str(_folder / "martini_ubiquitin.gro")
MARTINI_XTC = str(_folder / "martini_ubiquitin.xtc")
MEMBRANE_GRO = str(_folder / "martini_membrane.gro")
MEMBRANE_XTC = str(_folder / "martini_membrane.xtc")
TRPCAGE_PDB = str(_folder / "trpcage_heavy.pdb")
TRPCAGE_XTC = str(_folder / "trpcage_heavy.xtc")
VALIDATION = str(_folder / "validation.h5")


def described():
    """
    What comes with the package.

    Returns
    -------
    dict of str to (str, list of str)
        By short name: what it is, and its files.

    Examples
    --------
    >>> from mdbackmap.datafiles import described
    >>> what, files = described()["go"]
    >>> what, len(files)
    ('C-alpha trace of protein G, folding and unfolding in a Go model: 56 beads, 50 frames', 2)
    """
    return {
        "go": (
            "C-alpha trace of protein G, folding and unfolding in a Go model: 56 beads, 50 frames",
            [GO_PDB, GO_XTC],
        ),
        "calvados": (
            "C-alpha trace of alpha-synuclein, disordered, in CALVADOS-2: 140 beads, 25 frames",
            [CALVADOS_PDB, CALVADOS_XTC],
        ),
        "martini": (
            "ubiquitin in Martini 3 with its water and ions, in its box: 1,336 beads, 8 frames",
            [MARTINI_GRO, MARTINI_XTC],
        ),
        "membrane": (
            "two helices (integrin) in Martini 3 with lipids and ions around them: 936 beads, 3 frames",
            [MEMBRANE_GRO, MEMBRANE_XTC],
        ),
        "antibody": ("C-alphas of an antibody's variable domains (6X97), insertion codes", [ANTIBODY_PDB]),
        "crambin": ("C-alphas of crambin (1EJG), three disulfides", [CRAMBIN_PDB]),
        "complex": ("barnase and barstar (1BRS), heavy atoms, two chains", [COMPLEX_PDB]),
        "trpcage": ("all-atom MD of trp-cage, heavy atoms: 20 residues, 20 frames", [TRPCAGE_PDB, TRPCAGE_XTC]),
        "dipeptide": ("all-atom MD of alanine dipeptide: 22 atoms, 900 frames", [DIPEPTIDE_PDB, DIPEPTIDE_XTC]),
        "chignolin": ("all-atom MD of chignolin, heavy atoms: 93 atoms, 800 frames", [CHIGNOLIN_PDB, CHIGNOLIN_XTC]),
        "validation": ("the 85 crystal chains on which models are judged (HDF5)", [VALIDATION]),
    }
