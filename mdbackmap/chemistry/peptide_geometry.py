"""
Facts of the peptide chain: distances of C-alphas, bond lengths and angles of the backbone.

One distance has several ranges, for different questions. Each has a name of its own here, and the reason beside it.
Lengths in angstrom, angles in degrees. The facts of each residue are in `residues`.
"""

# Distance of C-alphas on both sides of a peptide.
CA_TRANS, CA_CIS = 3.80, 2.95  # angstrom; cited: ideal bonds and angles of Engh & Huber, Acta Cryst A 1991
CA_CA = {False: CA_TRANS, True: CA_CIS}
"""By whether the peptide is cis."""

# Ranges of that distance.
TRANS_BRIDGED = 3.70, 3.89  # angstrom; chosen: by hand, a peptide bridges these with the bond angles of proteins
CIS_BRIDGED = 2.85, 3.05  # angstrom; chosen: by hand, the same of a cis peptide
TRANS_TYPICAL = 3.76, 3.85  # angstrom; chosen: by hand, narrower, as projected traces stop at the edge of a range
CIS_TYPICAL = 2.91, 2.99  # angstrom; chosen: by hand, the same of a cis peptide
TRANS_SOUND = 3.6, 4.0  # angstrom; chosen: by hand, wide: badly refined crystals and coarse models are within
CIS_SOUND = 2.8, 3.1  # angstrom; chosen: by hand, the same of a cis peptide
BONDED = 2.8, 4.5  # angstrom; chosen: by hand, neighbours along a chain in coarse models with soft bonds

# Limits of that distance.
CIS_BELOW = 3.3  # angstrom; chosen: by hand, between 2.95 (cis) and 3.80 (trans): nearer C-alphas have a cis peptide
CIS_ABOVE = 2.6  # angstrom; chosen: by hand, nearer C-alphas overlap
BROKEN_ABOVE = BONDED[1]  # angstrom; a chain is broken between C-alphas further apart
UNBONDED_ABOVE = 2.5  # angstrom; chosen: by hand, C and N of a peptide further apart are not bonded
IMPOSSIBLE_OFF = 0.3  # angstrom; chosen: by hand, no strained peptide is so far off 3.80 (cis 2.95)

# Other distances of C-alphas.
CA_NEAREST = 3.4  # angstrom; chosen: by hand, C-alphas of residues that are not neighbours lie further apart
CA_UNCROWDED = 3.5  # angstrom; chosen: by hand, what counts as too near where models are judged
CA_NEXT = 5.0, 7.3  # angstrom; chosen: by hand, next neighbours: virtual bond angles of 82 to 148 degrees
CA_ANGLE, CA_TORSION = 110.0, 50.0  # degrees; chosen: by hand, a helix-like bead made up before and after a chain

# C-beta from the vectors between C-alphas before and after: along their difference, and along their cross product.
BETA_BISECTOR = 0.24035  # no unit; fitted: to crystal structures (0.5 A RMS), when traces were first relaxed
BETA_NORMAL = -0.06975  # per angstrom; fitted: with it

# Angle N-CA-C of all residues.
N_CA_C_MEAN, N_CA_C_SPREAD = 111.0, 3.5  # degrees; chosen: by hand, near the medians of `N_CA_C` below

BACKBONE_BONDS = {"N-CA": 1.459, "CA-C": 1.525, "C-N": 1.330, "C-O": 1.232}
"""Bond lengths in angstrom; measured: medians over the crystal structures of `residues.IDEAL_ATOMS`."""

PEPTIDE_ANGLES = {
    "trans": {"CA-C-N": 116.63, "C-N-CA": 121.48, "CA-C-O": 120.51},
    "cis": {"CA-C-N": 118.19, "C-N-CA": 126.64, "CA-C-O": 119.91},
}
"""Angles at the peptide bond in degrees; measured: medians over the same structures."""

N_CA_C = (
    111.1, 111.1, 111.5, 111.3, 110.9, 111.1, 111.3, 112.9, 111.1, 109.9,
    111.0, 111.1, 111.1, 110.8, 112.7, 111.3, 110.7, 111.0, 111.0, 109.9,
)  # fmt: skip
"""
Angle N-CA-C in degrees by residue type; measured: medians over the same structures.

It is used at chain ends, where no second peptide fixes it.
"""

PHI_START = -65.0  # degrees; chosen: by hand, usual of proline: where the C before a chain would lie
C_N_CA_START = 121.5  # degrees; measured: C-N-CA of `PEPTIDE_ANGLES`, rounded: its angle there

# Ring of proline.
PROLINE_CB_CD = 2.15, 2.60  # angstrom; measured: 2.37 +- 0.04 in crystals; chosen: by hand, five deviations each way
PROLINE_C_N_CD = 125.5  # degrees; chosen: by hand, near the place of CD in `residues.PROLINE_CD`
PROLINE_N_CD = 1.47  # angstrom; measured: N-CD of `residues.PROLINE_RING`, rounded
