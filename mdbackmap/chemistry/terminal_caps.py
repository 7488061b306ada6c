"""
Caps of chains as data: acetyl before the first residue, N-methylamide or an amide behind the last one.

Names of atoms are those of Amber. Lengths in angstrom, angles in degrees.
"""

from .peptide_geometry import BACKBONE_BONDS, PEPTIDE_ANGLES

ATOMS = {"ACE": ("CH3", "C", "O"), "NME": ("N", "CH3"), "NH2": ("N",)}
"""Heavy atoms of each cap."""
BONDS = {"ACE": (("CH3", "C"), ("C", "O")), "NME": (("N", "CH3"),), "NH2": ()}
HYDROGENS = {
    **{"ACE": {"CH3": "HH31 HH32 HH33"}, "NME": {"N": "H", "CH3": "HH31 HH32 HH33"}, "NH2": {"N": "HN1 HN2"}},
}
"""Their hydrogens, by the heavy atoms that they are bonded to."""
BEFORE, BEHIND = "ACE", "NME"
"""What chains get where nothing else is said."""
SAME = {"NMA": "NME", "CT3": "NME", "NHE": "NH2"}
"""Other names of the caps: CHARMM, Amber."""

CHARMM = {
    "ACE": {"CH3": "CAY", "C": "CY", "O": "OY", "HH31": "HY1", "HH32": "HY2", "HH33": "HY3"},
    "NME": {"N": "NT", "H": "HNT", "CH3": "CAT", "HH31": "HT1", "HH32": "HT2", "HH33": "HT3"},
    "NH2": {"N": "NT", "HN1": "HT1", "HN2": "HT2"},
}
"""Names of atoms in CHARMM's patches ACE, CT3 and CT2."""
GROMACS = {"NH2": {"HN1": "H1", "HN2": "H2"}}

C_N, C_O = BACKBONE_BONDS["C-N"], BACKBONE_BONDS["C-O"]  # angstrom; measured: `peptide_geometry`
C_CH3, N_CH3 = 1.522, 1.449  # angstrom; cited: Amber ff14SB, C-CT and CT-N
C_N_CA, CA_C_N, CA_C_O = (PEPTIDE_ANGLES["trans"][name] for name in ("C-N-CA", "CA-C-N", "CA-C-O"))
N_C_CH3 = 116.6  # degrees; cited: Amber ff14SB, CT-C-N
N_C_O = 122.9  # degrees; cited: Amber ff14SB, N-C-O
C_N_CH3 = 121.9  # degrees; cited: Amber ff14SB, C-N-CT
TRANS = 180.0  # degrees; cited: a trans peptide

PHI = (-65.0, -85.0, -120.0, -150.0, 60.0)  # degrees; chosen: by hand, over the favoured regions of Ramachandran maps
PSI = (140.0, -40.0, 165.0, -15.0, 115.0, -60.0)  # degrees; chosen: as phi
"""Torsions at caps that are tried: of the first residue, and of the last one."""
TOUCH = 3.3  # angstrom; chosen: by hand, heavy atoms that are nearer to a cap overlap with it
