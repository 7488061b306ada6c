"""
The twenty amino acids as data: atoms, elements, bonds, side-chain torsions, names.

Nothing here computes anything. Atom order is that of the Protein Data Bank and of Amber
(`N CA C O CB ...`), at most 14 heavy atoms a residue ("atom14"); the terminal oxygen OXT and
hydrogens are not part of a residue's own list.

Lengths are in angstrom, angles in radians.
"""

ALPHABET = "ARNDCQEGHILKMFPSTWYV"
"""One-letter codes; the position in this string is the residue's type everywhere in the package."""

RESIDUE_NAMES = (
    "ALA", "ARG", "ASN", "ASP", "CYS", "GLN", "GLU", "GLY", "HIS", "ILE",
    "LEU", "LYS", "MET", "PHE", "PRO", "SER", "THR", "TRP", "TYR", "VAL",
)  # fmt: skip
"""Three-letter names in the order of `ALPHABET`."""

NAME_OF_LETTER = dict(zip(ALPHABET, RESIDUE_NAMES, strict=True))

TYPE_OF_NAME = {name: i for i, name in enumerate(RESIDUE_NAMES)}

MAX_ATOMS = 14  # heavy atoms of a residue; cited: tryptophan has most
N, CA, C, O, CB, SG = range(6)  # noqa: E741
"""Atom slots that are the same in every residue, and that of the sulfur of cysteine."""
TURNING = CB + 1
"""Atoms from this slot on turn with side-chain torsions."""
MAX_CHIS = 4  # side-chain torsions of a residue; cited: arginine and lysine have most

_BACKBONE = ("N", "CA", "C", "O")

ATOMS = {
    "ALA": (*_BACKBONE, "CB"),
    "ARG": (*_BACKBONE, "CB", "CG", "CD", "NE", "CZ", "NH1", "NH2"),
    "ASN": (*_BACKBONE, "CB", "CG", "OD1", "ND2"),
    "ASP": (*_BACKBONE, "CB", "CG", "OD1", "OD2"),
    "CYS": (*_BACKBONE, "CB", "SG"),
    "GLN": (*_BACKBONE, "CB", "CG", "CD", "OE1", "NE2"),
    "GLU": (*_BACKBONE, "CB", "CG", "CD", "OE1", "OE2"),
    "GLY": _BACKBONE,
    "HIS": (*_BACKBONE, "CB", "CG", "ND1", "CD2", "CE1", "NE2"),
    "ILE": (*_BACKBONE, "CB", "CG1", "CG2", "CD1"),
    "LEU": (*_BACKBONE, "CB", "CG", "CD1", "CD2"),
    "LYS": (*_BACKBONE, "CB", "CG", "CD", "CE", "NZ"),
    "MET": (*_BACKBONE, "CB", "CG", "SD", "CE"),
    "PHE": (*_BACKBONE, "CB", "CG", "CD1", "CD2", "CE1", "CE2", "CZ"),
    "PRO": (*_BACKBONE, "CB", "CG", "CD"),
    "SER": (*_BACKBONE, "CB", "OG"),
    "THR": (*_BACKBONE, "CB", "OG1", "CG2"),
    "TRP": (*_BACKBONE, "CB", "CG", "CD1", "CD2", "NE1", "CE2", "CE3", "CZ2", "CZ3", "CH2"),
    "TYR": (*_BACKBONE, "CB", "CG", "CD1", "CD2", "CE1", "CE2", "CZ", "OH"),
    "VAL": (*_BACKBONE, "CB", "CG1", "CG2"),
}
"""Heavy atoms of each residue, in output order; an atom's element is the first letter of its name."""

SLOT_OF_ATOM = {(name, atom): slot for name, atoms in ATOMS.items() for slot, atom in enumerate(atoms)}
"""Place of an atom among the heavy atoms of its residue, by the names of both."""

_BACKBONE_BONDS = (("N", "CA"), ("CA", "C"), ("C", "O"))
_CA_CB = (*_BACKBONE_BONDS, ("CA", "CB"))

BONDS = {
    "ALA": _CA_CB,
    "ARG": (*_CA_CB, ("CB", "CG"), ("CG", "CD"), ("CD", "NE"), ("NE", "CZ"), ("CZ", "NH1"), ("CZ", "NH2")),
    "ASN": (*_CA_CB, ("CB", "CG"), ("CG", "OD1"), ("CG", "ND2")),
    "ASP": (*_CA_CB, ("CB", "CG"), ("CG", "OD1"), ("CG", "OD2")),
    "CYS": (*_CA_CB, ("CB", "SG")),
    "GLN": (*_CA_CB, ("CB", "CG"), ("CG", "CD"), ("CD", "OE1"), ("CD", "NE2")),
    "GLU": (*_CA_CB, ("CB", "CG"), ("CG", "CD"), ("CD", "OE1"), ("CD", "OE2")),
    "GLY": _BACKBONE_BONDS,
    "HIS": (*_CA_CB, ("CB", "CG"), ("CG", "ND1"), ("CG", "CD2"), ("ND1", "CE1"), ("CD2", "NE2"), ("CE1", "NE2")),
    "ILE": (*_CA_CB, ("CB", "CG1"), ("CB", "CG2"), ("CG1", "CD1")),
    "LEU": (*_CA_CB, ("CB", "CG"), ("CG", "CD1"), ("CG", "CD2")),
    "LYS": (*_CA_CB, ("CB", "CG"), ("CG", "CD"), ("CD", "CE"), ("CE", "NZ")),
    "MET": (*_CA_CB, ("CB", "CG"), ("CG", "SD"), ("SD", "CE")),
    "PHE": (
        *_CA_CB, ("CB", "CG"), ("CG", "CD1"), ("CG", "CD2"), ("CD1", "CE1"), ("CD2", "CE2"), ("CE1", "CZ"),
        ("CE2", "CZ"),
    ),
    "PRO": (*_CA_CB, ("CB", "CG"), ("CG", "CD"), ("CD", "N")),
    "SER": (*_CA_CB, ("CB", "OG")),
    "THR": (*_CA_CB, ("CB", "OG1"), ("CB", "CG2")),
    "TRP": (
        *_CA_CB, ("CB", "CG"), ("CG", "CD1"), ("CG", "CD2"), ("CD1", "NE1"), ("NE1", "CE2"), ("CD2", "CE2"),
        ("CD2", "CE3"), ("CE2", "CZ2"), ("CE3", "CZ3"), ("CZ2", "CH2"), ("CZ3", "CH2"),
    ),
    "TYR": (
        *_CA_CB, ("CB", "CG"), ("CG", "CD1"), ("CG", "CD2"), ("CD1", "CE1"), ("CD2", "CE2"), ("CE1", "CZ"),
        ("CE2", "CZ"), ("CZ", "OH"),
    ),
    "VAL": (*_CA_CB, ("CB", "CG1"), ("CB", "CG2")),
}  # fmt: skip
"""Covalent bonds between heavy atoms within a residue (the peptide bond C-N joins residues)."""

_NCC = ("N", "CA", "CB")

CHIS = {
    "ALA": (),
    "ARG": ((*_NCC, "CG"), ("CA", "CB", "CG", "CD"), ("CB", "CG", "CD", "NE"), ("CG", "CD", "NE", "CZ")),
    "ASN": ((*_NCC, "CG"), ("CA", "CB", "CG", "OD1")),
    "ASP": ((*_NCC, "CG"), ("CA", "CB", "CG", "OD1")),
    "CYS": ((*_NCC, "SG"),),
    "GLN": ((*_NCC, "CG"), ("CA", "CB", "CG", "CD"), ("CB", "CG", "CD", "OE1")),
    "GLU": ((*_NCC, "CG"), ("CA", "CB", "CG", "CD"), ("CB", "CG", "CD", "OE1")),
    "GLY": (),
    "HIS": ((*_NCC, "CG"), ("CA", "CB", "CG", "ND1")),
    "ILE": ((*_NCC, "CG1"), ("CA", "CB", "CG1", "CD1")),
    "LEU": ((*_NCC, "CG"), ("CA", "CB", "CG", "CD1")),
    "LYS": ((*_NCC, "CG"), ("CA", "CB", "CG", "CD"), ("CB", "CG", "CD", "CE"), ("CG", "CD", "CE", "NZ")),
    "MET": ((*_NCC, "CG"), ("CA", "CB", "CG", "SD"), ("CB", "CG", "SD", "CE")),
    "PHE": ((*_NCC, "CG"), ("CA", "CB", "CG", "CD1")),
    "PRO": ((*_NCC, "CG"), ("CA", "CB", "CG", "CD")),
    "SER": ((*_NCC, "OG"),),
    "THR": ((*_NCC, "OG1"),),
    "TRP": ((*_NCC, "CG"), ("CA", "CB", "CG", "CD1")),
    "TYR": ((*_NCC, "CG"), ("CA", "CB", "CG", "CD1")),
    "VAL": ((*_NCC, "CG1"),),
}
"""Side-chain torsions chi1, chi2, ... as four atom names each (IUPAC; the structural community's order)."""

EQUIVALENT_ATOMS = {
    "ASP": (("OD1", "OD2"),),
    "GLU": (("OE1", "OE2"),),
    "PHE": (("CD1", "CD2"), ("CE1", "CE2")),
    "TYR": (("CD1", "CD2"), ("CE1", "CE2")),
    "ARG": (("NH1", "NH2"),),
}
"""Atoms that differ by name alone; the pairs of one residue are exchanged together."""

SYMMETRIC_CHIS = {"ASP": 1, "GLU": 2, "PHE": 1, "TYR": 1}
"""Index of the torsion that is the same after half a turn."""

CARBONYLS = {"ASN": "CG", "ASP": "CG", "GLN": "CD", "GLU": "CD"}
"""Carbons of carbonyls and carboxylates in side chains."""

IDEAL_ATOMS = {
    "ALA": {"CB": (0, 0.931, -0.002, 1.208)},
    "ARG": {
        "CB": (0, 0.937, -0.009, 1.209), "CG": (1, 0.617, 1.390, 0.000), "CD": (2, 0.562, 1.412, 0.000),
        "NE": (3, 0.539, 1.356, 0.000), "CZ": (4, 0.757, 1.095, 0.000), "NH1": (4, 0.202, 2.304, 0.000),
        "NH2": (4, 2.077, 0.982, 0.000),
    },
    "ASN": {
        "CB": (0, 0.947, -0.004, 1.202), "CG": (1, 0.584, 1.400, 0.000), "OD1": (2, 0.633, 1.060, 0.000),
        "ND2": (2, 0.597, -1.184, 0.000),
    },
    "ASP": {
        "CB": (0, 0.940, -0.005, 1.207), "CG": (1, 0.595, 1.397, 0.000), "OD1": (2, 0.612, 1.087, 0.000),
        "OD2": (2, 0.588, -1.101, 0.000),
    },
    "CYS": {"CB": (0, 0.931, -0.010, 1.213), "SG": (1, 0.729, 1.655, 0.000)},
    "GLN": {
        "CB": (0, 0.937, -0.010, 1.209), "CG": (1, 0.613, 1.393, 0.000), "CD": (2, 0.586, 1.400, 0.000),
        "OE1": (3, 0.635, 1.059, 0.000), "NE2": (3, 0.596, -1.186, 0.000),
    },
    "GLU": {
        "CB": (0, 0.937, -0.010, 1.208), "CG": (1, 0.617, 1.391, 0.000), "CD": (2, 0.602, 1.394, 0.000),
        "OE1": (3, 0.608, 1.090, 0.000), "OE2": (3, 0.586, -1.103, 0.000),
    },
    "GLY": {},
    "HIS": {
        "CB": (0, 0.938, -0.008, 1.212), "CG": (1, 0.595, 1.375, 0.000), "ND1": (2, 0.748, 1.154, 0.000),
        "CD2": (2, 0.880, -1.030, 0.000), "CE1": (2, 2.031, 0.841, 0.000), "NE2": (2, 2.140, -0.477, 0.000),
    },
    "ILE": {
        "CB": (0, 0.956, -0.015, 1.216), "CG1": (1, 0.532, 1.438, 0.000), "CG2": (1, 0.541, -0.779, -1.201),
        "CD1": (2, 0.617, 1.391, 0.000),
    },
    "LEU": {
        "CB": (0, 0.932, -0.005, 1.215), "CG": (1, 0.684, 1.368, 0.000), "CD1": (2, 0.528, 1.428, 0.000),
        "CD2": (2, 0.529, -0.766, 1.205),
    },
    "LYS": {
        "CB": (0, 0.933, -0.009, 1.211), "CG": (1, 0.616, 1.391, 0.000), "CD": (2, 0.555, 1.417, 0.000),
        "CE": (3, 0.561, 1.415, 0.000), "NZ": (4, 0.549, 1.385, 0.000),
    },
    "MET": {
        "CB": (0, 0.936, -0.010, 1.210), "CG": (1, 0.613, 1.390, 0.000), "SD": (2, 0.691, 1.671, 0.000),
        "CE": (3, 0.330, 1.758, 0.000),
    },
    "PHE": {
        "CB": (0, 0.938, -0.008, 1.211), "CG": (1, 0.608, 1.378, 0.000), "CD1": (2, 0.709, 1.197, 0.000),
        "CD2": (2, 0.704, -1.198, 0.000), "CE1": (2, 2.101, 1.200, 0.000), "CE2": (2, 2.096, -1.204, 0.000),
        "CZ": (2, 2.793, -0.003, 0.000),
    },
    "PRO": {"CB": (0, 0.823, 0.120, 1.283)},
    "SER": {"CB": (0, 0.933, -0.009, 1.211), "OG": (1, 0.499, 1.326, 0.000)},
    "THR": {"CB": (0, 0.947, -0.024, 1.220), "OG1": (1, 0.462, 1.357, 0.000), "CG2": (1, 0.554, -0.718, -1.224)},
    "TRP": {
        "CB": (0, 0.939, -0.007, 1.211), "CG": (1, 0.609, 1.372, 0.000), "CD1": (2, 0.818, 1.096, 0.000),
        "CD2": (2, 0.852, -1.146, 0.000), "NE1": (2, 2.131, 0.696, 0.000), "CE2": (2, 2.181, -0.671, 0.000),
        "CE3": (2, 0.625, -2.528, 0.000), "CZ2": (2, 3.281, -1.534, 0.000), "CZ3": (2, 1.721, -3.384, 0.000),
        "CH2": (2, 3.031, -2.884, 0.000),
    },
    "TYR": {
        "CB": (0, 0.934, -0.010, 1.214), "CG": (1, 0.607, 1.384, 0.000), "CD1": (2, 0.715, 1.196, 0.000),
        "CD2": (2, 0.710, -1.197, 0.000), "CE1": (2, 2.105, 1.200, 0.000), "CE2": (2, 2.101, -1.205, 0.000),
        "CZ": (2, 2.789, -0.004, 0.000), "OH": (2, 4.165, -0.006, 0.000),
    },
    "VAL": {"CB": (0, 0.957, -0.017, 1.214), "CG1": (1, 0.542, 1.427, 0.000), "CG2": (1, 0.533, -0.769, 1.202)},
}  # fmt: skip
"""
Where side-chain atoms sit, as (group, x, y, z) in angstrom.

Group 0 (CB) is given in the frame of the residue's backbone: x opposite to the bisector of N-CA-C, z along
(N - CA) x (C - CA), origin at CA. Group k is moved by torsion chi k: origin at the third atom of that torsion, x along
its axis, and the torsion's fourth atom in the xy plane. Measured: means over 199,031 residues of crystal structures
(resolution 2.3 angstrom or better, B factor of CA below 35). The ring of proline is closed by distances
(`PROLINE_RING`) instead.
"""

PROLINE_RING = {"CB-CG": 1.497, "CG-CD": 1.507, "N-CD": 1.474}
"""Bond lengths of the ring in angstrom; measured: means over the same structures."""
PROLINE_CD = (1.460, -0.204, 0.0)
"""Place of CD in angstrom in the frame of N (x against the bisector of C-N-CA); measured: as the ring."""

DISULFIDE = {"SG-SG": 2.05, "CB-SG": 3.05}
"""
Lengths at a disulfide in angstrom: the bond, and from a sulfur across it to the other C-beta (104 degrees).

CB-SG measured: crystals, docs/measurements.md, Disulfides; SG-SG chosen: by hand.
"""

WATER = frozenset("HOH WAT SOL TIP3 TIP TIP4 TIP5 SPC SPCE TP3 TP4 TP5 T3P T4P OPC W WN WF PW SW TW".split())
"""Names of water, of atoms and of beads."""

OTHER_RESIDUES = WATER | frozenset(
    # ions
    "NA NA+ SOD CL CL- CLA K K+ POT CA CA2 CA+ CAL MG MG2 MG+ ZN ZN2 ION LI RB CS CES BR F IOD MN FE CU NI CO CD "
    # lipids, sterols
    "POPC POPE POPG POPS POPA DPPC DPPE DPPG DOPC DOPE DOPG DOPS DMPC DMPG DLPC DLPE DSPC DSPE PIPC PAPC PUPC "
    "CHOL CHL1 CLR "
    # nucleotides
    "A C G U T DA DC DG DT DU RA RC RG RU ADE CYT GUA THY URA "
    # sugars, haem, common ligands and buffers
    "NAG MAN BMA GAL GLC FUC HEM HEC HEME ATP ADP GTP GDP NAD FAD GOL EDO SO4 PO4".split()
)
"""Names of common molecules that are no amino acid: they are left out of a protein, never an error."""
