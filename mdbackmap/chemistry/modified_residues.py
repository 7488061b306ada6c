"""
Modified amino acids as data: what they have that their parents lack, and where it is.

Names are those of the Chemical Component Dictionary of the Protein Data Bank (CCD). A network and packing see the
parent. Lengths in angstrom, angles in degrees.
"""

from dataclasses import dataclass, field

from .mirror_images import mirrored_rows
from .residues import ATOMS, BONDS

OWN = "own"
"""The torsion of an atom that the parent has: as the parent has it."""


@dataclass(frozen=True)
class Modified:
    """
    One modified residue.

    Attributes
    ----------
    parent : str
        The amino acid that it is built on.
    rows : tuple of (str, str, float, float, float or OWN) or of these and int
        Atoms that are built, in order: the name; three atoms, the first one bonded to it; its length, angle and torsion
        from these; and which of `rotors` is added to the torsion. Those of the parent under this name are built anew.
    hydrogens : dict of str to str
        By heavy atom, where they are others than those of the parent.
    rotors : tuple of tuple of float
        Degrees that a torsion may have besides, what is most usual first.
    renamed : dict of str to str
        Atoms of the parent that have another name, and are perhaps another element.
    like : str
        Of a D-residue, what it is the mirror image of. Its parent is glycine, which has no hand.
    amine : {"amine", "secondary", "none"}
        What the nitrogen of a first residue is.
    charge : int
        At pH 7, within a chain.
    """

    parent: str
    rows: tuple = ()
    hydrogens: dict = field(default_factory=dict)
    rotors: tuple = ()
    renamed: dict = field(default_factory=dict)
    like: str = ""
    amine: str = "amine"
    charge: int = 0

    @property
    def added(self) -> dict:
        """Atoms that the parent lacks, and what each is bonded to (those of D-residues, as `bonds` say)."""
        if self.mirrored:
            return {atom: "CA" for atom in ATOMS[self.like] if atom not in ATOMS["GLY"]}
        own = {self.renamed.get(atom, atom) for atom in ATOMS[self.parent]}
        return {name: at.split()[0] for name, at, *_ in self.rows if name not in own}

    @property
    def mirrored(self) -> bool:
        """Whether it is a D-residue."""
        return self.like != "" and self.parent == "GLY"

    @property
    def bonds(self) -> list:
        """Bonds within the residue, by the names of both atoms."""
        if self.mirrored:
            return list(BONDS[self.like])
        own = [tuple(self.renamed.get(atom, atom) for atom in pair) for pair in BONDS[self.parent]]
        return own + [(near, name) for name, near in self.added.items()]

    def of_like(self, atom) -> str:
        """The name that an atom has in the parent."""
        return {new: old for old, new in self.renamed.items()}.get(atom, atom)


ELEMENTS = {"SE": "Se", "P": "P"}
"""Of atoms whose name begins with no element of its own; others have the first letter of their names."""

# Torsions in degrees, what is most usual first.
THREE = 180.0, 60.0, 300.0  # degrees; chosen: by hand, a threefold rotation
SIX = 180.0, 60.0, 300.0, 120.0, 240.0, 0.0  # degrees; chosen: by hand, the same and what lies between
ESTER = 180.0, 150.0, 210.0, 120.0, 240.0, 90.0, 270.0  # degrees; chosen: by hand, about C-O of phosphates
# Degrees; chosen: by hand, about a bond of a ring.
RING = 90.0, 270.0, 60.0, 120.0, 240.0, 300.0, 30.0, 150.0, 210.0, 330.0
AMIDE = 180.0, 90.0, 270.0, 120.0, 240.0, 150.0, 210.0  # degrees; chosen: by hand, about C-N of amides
TURNED = 0.0, 30.0, 60.0, 90.0  # degrees; chosen: by hand, three equal atoms
PLANE = 0.0, 30.0, 60.0, 90.0, 120.0, 150.0  # degrees; chosen: by hand, two equal atoms
_STAGGERED = 60.0, 180.0, 300.0  # degrees; cited: a threefold rotation
SULFIDE = 90.0, 270.0  # degrees, of C-S-S-C; cited: disulfides of crystals


def _three(names, at, length, bend, rotor):
    """Rows of three equal oxygens."""
    torsions = zip(names.split(), _STAGGERED, strict=True)
    return tuple((name, at, length, bend, torsion, rotor) for name, torsion in torsions)


MODIFIED = {
    # selenium; lengths and angles cited: CCP4 monomer library (MSE), CCD (SEC)
    "MSE": Modified("MET", (("SE", "CG CB CA", 1.963, 111.6, OWN), ("CE", "SE CG CB", 1.963, 98.7, OWN)),
                    renamed={"SD": "SE"}),
    "SEC": Modified("CYS", (("SE", "CB CA N", 1.960, 109.5, OWN),), {"SG": "", "SE": "HE"}, renamed={"SG": "SE"}),
    # esters of phosphoric and sulfuric acid; cited: CCP4 monomer library
    "SEP": Modified("SER", (("P", "OG CB CA", 1.614, 118.6, 0.0, 0),
                            *_three("O1P O2P O3P", "P OG CB", 1.517, 105.8, 1)),
                    {"OG": ""}, (ESTER, TURNED), charge=-2),
    "TPO": Modified("THR", (("P", "OG1 CB CA", 1.614, 121.5, 0.0, 0),
                            *_three("O1P O2P O3P", "P OG1 CB", 1.517, 105.8, 1)),
                    {"OG1": ""}, (ESTER, TURNED), charge=-2),
    "PTR": Modified("TYR", (("P", "OH CZ CE1", 1.592, 124.8, 0.0, 0),
                            *_three("O1P O2P O3P", "P OH CZ", 1.509, 106.7, 1)),
                    {"OH": ""}, (RING, TURNED), charge=-2),
    "TYS": Modified("TYR", (("S", "OH CZ CE1", 1.597, 119.6, 0.0, 0),
                            *_three("O1 O2 O3", "S OH CZ", 1.445, 103.8, 1)),
                    {"OH": ""}, (RING, TURNED), charge=-1),
    "PHD": Modified("ASP", (("P", "OD1 CG CB", 1.595, 122.8, 0.0, 0),
                            *_three("OP1 OP2 OP3", "P OD1 CG", 1.509, 105.8, 1)),
                    {}, (ESTER, TURNED), charge=-2),
    "NEP": Modified("HIS", (("P", "NE2 CE1 ND1", 1.705, 124.3, 180.0),
                            *_three("O1P O2P O3P", "P NE2 CE1", 1.508, 107.7, 0)),
                    {"ND1": "", "NE2": ""}, (TURNED,), charge=-2),
    # proline and glutamate; cited: CCD (HYP, PCA), CCP4 monomer library (CGU)
    "HYP": Modified("PRO", (("OD1", "CG CB CD", 1.429, 110.3, -118.9),),
                    {"CG": "HG", "OD1": "HD1", "CD": "HD22 HD23"}, amine="secondary"),
    "PCA": Modified("PRO", (("CD", "N CA CB", 1.346, 111.2, 16.8), ("CG", "CB CA N", 1.546, 101.7, -25.3),
                            ("OE", "CD N CA", 1.213, 124.9, 179.5)),
                    {"N": "H", "CD": ""}, amine="none"),
    "CGU": Modified("GLU", (("CD2", "CG CB CD1", 1.539, 110.3, 120.1), ("OE21", "CD2 CG CB", 1.244, 117.8, 0.0, 0),
                            ("OE22", "CD2 CG CB", 1.244, 117.8, 180.0, 0)),
                    {"CG": "HG"}, (PLANE,), {"CD": "CD1", "OE1": "OE11", "OE2": "OE12"}, charge=-2),
    # cysteine; cited: CCP4 monomer library (CSO, CSD, OCS), CCD
    "CSO": Modified("CYS", (("OD", "SG CB CA", 1.647, 109.5, 0.0, 0),), {"SG": "", "OD": "HD"}, (SIX,)),
    "CSD": Modified("CYS", (("OD1", "SG CB CA", 1.480, 106.0, 60.0, 0), ("OD2", "SG CB CA", 1.480, 106.0, 172.0, 0)),
                    {"SG": ""}, (SIX,), charge=-1),
    "OCS": Modified("CYS", _three("OD1 OD2 OD3", "SG CB CA", 1.435, 106.9, 0), {"SG": ""}, (TURNED,), charge=-1),
    "CSS": Modified("CYS", (("SD", "SG CB CA", 2.049, 100.0, 0.0, 0),), {"SG": "", "SD": "HD"}, (SIX,)),
    "SMC": Modified("CYS", (("CS", "SG CB CA", 1.813, 100.0, 0.0, 0),), {"SG": "", "CS": "HCS1 HCS2 HCS3"}, (SIX,)),
    "SCH": Modified("CYS", (("SD", "SG CB CA", 2.050, 103.0, 0.0, 0), ("CE", "SD SG CB", 1.814, 103.0, 0.0, 1)),
                    {"SG": "", "CE": "HE1 HE2 HE3"}, (SIX, SULFIDE)),
    "CME": Modified("CYS", (("SD", "SG CB CA", 2.050, 103.0, 0.0, 0), ("CE", "SD SG CB", 1.813, 103.0, 0.0, 1),
                            ("CZ", "CE SD SG", 1.529, 109.5, 0.0, 2), ("OH", "CZ CE SD", 1.429, 109.6, 0.0, 3)),
                    {"SG": "", "CE": "HE2 HE3", "CZ": "HZ2 HZ3", "OH": "HH"}, (SIX, SULFIDE, THREE, THREE)),
    "OCY": Modified("CYS", (("CD", "SG CB CA", 1.813, 100.1, 0.0, 0), ("CE", "CD SG CB", 1.529, 109.5, 0.0, 1),
                            ("OZ", "CE CD SG", 1.429, 109.5, 0.0, 2)),
                    {"SG": "", "CD": "HD2 HD3", "CE": "HE2 HE3", "OZ": "HZ"}, (SIX, THREE, THREE)),
    "YCM": Modified("CYS", (("CD", "SG CB CA", 1.807, 98.1, 0.0, 0), ("CE", "CD SG CB", 1.508, 109.0, 0.0, 1),
                            ("OZ1", "CE CD SG", 1.229, 122.6, 0.0, 2), ("NZ2", "CE CD SG", 1.376, 113.6, 180.0, 2)),
                    {"SG": "", "CD": "HD2 HD3", "NZ2": "HZ21 HZ22"}, (SIX, THREE, RING)),
    # lysine; cited: CCP4 monomer library (MLZ, MLY, KCX: means of both oxygens), CCD
    "MLZ": Modified("LYS", (("CM", "NZ CE CD", 1.466, 110.7, 0.0, 0),),
                    {"NZ": "HZ2 HZ3", "CM": "HCM1 HCM2 HCM3"}, (THREE,), charge=1),
    "MLY": Modified("LYS", (("CH1", "NZ CE CD", 1.466, 110.7, 0.0, 0), ("CH2", "NZ CE CD", 1.466, 110.7, 121.9, 0)),
                    {"NZ": "HZ", "CH1": "HH11 HH12 HH13", "CH2": "HH21 HH22 HH23"}, (THREE,), charge=1),
    "M3L": Modified("LYS", (("CM1", "NZ CE CD", 1.469, 109.5, 60.0), ("CM2", "NZ CE CD", 1.469, 109.5, -60.0),
                            ("CM3", "NZ CE CD", 1.469, 109.5, 180.0)),
                    {"NZ": "", "CM1": "HM11 HM12 HM13", "CM2": "HM21 HM22 HM23", "CM3": "HM31 HM32 HM33"}, charge=1),
    "ALY": Modified("LYS", (("CH", "NZ CE CD", 1.347, 120.0, 0.0, 0), ("OH", "CH NZ CE", 1.211, 120.0, 0.0),
                            ("CH3", "CH NZ CE", 1.507, 120.0, 180.0)),
                    {"NZ": "HZ", "CH3": "HH31 HH32 HH33"}, (AMIDE,)),
    "KCX": Modified("LYS", (("CX", "NZ CE CD", 1.340, 121.8, 0.0, 0), ("OQ1", "CX NZ CE", 1.270, 118.8, 0.0),
                            ("OQ2", "CX NZ CE", 1.270, 118.8, 180.0)),
                    {"NZ": "HZ"}, (AMIDE,), charge=-1),
    "LYZ": Modified("LYS", (("OH", "CD CG CE", 1.430, 109.5, -119.9),), {"CD": "HD", "OH": "HH"}, charge=1),
    # methionine and what is as long; cited: CCP4 monomer library (SME), CCD
    "FME": Modified("MET", (("CN", "N CA C", 1.348, 120.0, 0.0, 0), ("O1", "CN N CA", 1.212, 120.0, 0.0)),
                    {"CN": "HCN"}, ((270.0, 240.0, 210.0, 300.0, 180.0, 60.0),), amine="none"),
    "SME": Modified("MET", (("OE", "S CG CE", 1.503, 106.3, 109.4),), renamed={"SD": "S"}),
    "OMT": Modified("MET", (("OD1", "SD CG CE", 1.421, 109.0, -114.0), ("OD2", "SD CG CE", 1.421, 109.0, 114.0))),
    "NLE": Modified("MET", (("CD", "CG CB CA", 1.530, 109.5, OWN), ("CE", "CD CG CB", 1.530, 109.5, OWN)),
                    {"CD": "HD2 HD3"}, renamed={"SD": "CD"}),
    # histidine, arginine, tyrosine; cited: CCP4 monomer library (NIY), CCD
    "HIC": Modified("HIS", (("CZ", "NE2 CE1 ND1", 1.466, 126.4, 180.0),), {"CZ": "HZ1 HZ2 HZ3"}),
    "MHS": Modified("HIS", (("CM", "ND1 CE1 NE2", 1.465, 126.4, 180.0),), {"CM": "HM1 HM2 HM3"}),
    "CIR": Modified("ARG", (("O7", "C7 N6 C5", 1.215, 120.0, OWN),),
                    {"C3": "H31 H32", "C4": "H41 H42", "C5": "H51 H52", "N6": "HN6", "O7": "", "N8": "HN81 HN82"},
                    renamed={"CB": "C3", "CG": "C4", "CD": "C5", "NE": "N6", "CZ": "C7", "NH1": "O7", "NH2": "N8"}),
    "2MR": Modified("ARG", (("CQ1", "NH1 CZ NE", 1.466, 120.0, 180.0), ("CQ2", "NH2 CZ NE", 1.466, 120.0, 0.0)),
                    {"NH1": "HH1", "NH2": "HH2", "CQ1": "HQ11 HQ12 HQ13", "CQ2": "HQ21 HQ22 HQ23"}, charge=1),
    "DA2": Modified("ARG", (("C1", "NH1 CZ NE", 1.465, 120.0, 180.0), ("C2", "NH1 CZ NE", 1.465, 120.0, 0.0)),
                    {"CB": "HCB1 HCB2", "CG": "HCG1 HCG2", "CD": "HCD1 HCD2", "NE": "HNE", "NH1": "",
                     "NH2": "HNH2 HNH3", "C1": "HC11 HC12 HC13", "C2": "HC21 HC22 HC23"},
                    renamed={"NH1": "NH2", "NH2": "NH1"}, charge=1),
    "NIY": Modified("TYR", (("NN", "CE1 CZ CE2", 1.457, 121.3, 180.0), ("O1", "NN CE1 CZ", 1.221, 118.3, 180.0, 0),
                            ("O2", "NN CE1 CZ", 1.221, 118.3, 0.0, 0)),
                    {"CE1": ""}, ((0.0, 30.0, 330.0),)),
    "DAH": Modified("TYR", (("OE2", "CE2 CZ CE1", 1.360, 120.1, 180.0),), {"CE2": "", "OE2": "HE2"}),
    # alanine with more carbons; cited: CCD
    "AIB": Modified("ALA", (("CB2", "CA N C", 1.530, 109.5, -120.0),),
                    {"CA": "", "CB1": "HB11 HB12 HB13", "CB2": "HB21 HB22 HB23"}, renamed={"CB": "CB1"}),
    "ABA": Modified("ALA", (("CG", "CB CA N", 1.530, 109.5, 0.0, 0),), {"CB": "HB3 HB2", "CG": "HG1 HG3 HG2"},
                    ((300.0, 180.0, 60.0),)),
    "NVA": Modified("ALA", (("CG", "CB CA N", 1.530, 109.5, 0.0, 0), ("CD", "CG CB CA", 1.529, 109.5, 0.0, 1)),
                    {"CB": "HB2 HB3", "CG": "HG2 HG3", "CD": "HD1 HD2 HD3"}, ((300.0, 180.0, 60.0), THREE)),
}  # fmt: skip
"""
Modified residues by their names.

Lengths in angstrom, angles and torsions in degrees; cited: ideal coordinates of the CCD, or the CCP4 monomer library
(AceDRG), as the comments say. Three equal oxygens have the angle that the one between them leaves.
"""

D_FORMS = {
    **{"DAL": "ALA", "DAR": "ARG", "DSG": "ASN", "DAS": "ASP", "DCY": "CYS", "DGN": "GLN", "DGL": "GLU", "DHI": "HIS"},
    **{"DIL": "ILE", "DLE": "LEU", "DLY": "LYS", "MED": "MET", "DPN": "PHE", "DPR": "PRO", "DSN": "SER", "DTH": "THR"},
    **{"DTR": "TRP", "DTY": "TYR", "DVA": "VAL"},
}
"""D-residues and what they are the mirror images of (CCD)."""

_CHARGES = {"ARG": 1, "LYS": 1, "ASP": -1, "GLU": -1}
MODIFIED |= {
    name: Modified(
        "GLY",
        *(rows_and_rotors := mirrored_rows(like))[:1],
        {"NE2": "HE2"} if like == "HIS" else {},
        rows_and_rotors[1],
        like=like,
        amine="secondary" if like == "PRO" else "amine",
        charge=_CHARGES.get(like, 0),
    )
    for name, like in D_FORMS.items()
}

BLOCKED = [name for name, modified in MODIFIED.items() if modified.amine == "none"]
"""Modified residues whose nitrogen bears an acyl group: nothing comes before them."""
