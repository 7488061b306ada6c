"""Forms and relatives of the twenty amino acids by name: protonation, modified residues, caps of chains."""

ALIASES = {
    "MSE": "MET",
    # Amber, CHARMM and OPLS
    "HID": "HIS", "HIE": "HIS", "HIP": "HIS", "HSD": "HIS", "HSE": "HIS", "HSP": "HIS", "HSC": "HIS",
    "CYX": "CYS", "CYM": "CYS", "ASH": "ASP", "ASPP": "ASP", "GLH": "GLU", "GLUP": "GLU",
    "LYN": "LYS", "LSN": "LYS", "TYM": "TYR", "ARN": "ARG",
    "AS4": "ASP", "GL4": "GLU",
    # GROMACS (residuetypes.dat: GROMOS, OPLS and its ports of Amber)
    "HIS1": "HIS", "HIS2": "HIS", "HISA": "HIS", "HISB": "HIS", "HISD": "HIS", "HISE": "HIS", "HISH": "HIS",
    "HISP": "HIS", "CYS1": "CYS", "CYS2": "CYS", "CYSH": "CYS", "CYN": "CYS", "ASN1": "ASN", "ASP1": "ASP",
    "ASPH": "ASP", "GLUH": "GLU", "LYSH": "LYS", "LYSN": "LYS", "LYP": "LYS", "ARGN": "ARG", "PHEH": "PHE",
    "PHEU": "PHE", "TRPH": "TRP", "TRPU": "TRP", "TYRH": "TYR", "TYRU": "TYR",
}  # fmt: skip
"""Other names of the twenty, as force fields and crystallographers use them; N- and C-terminal ones besides."""

PARENTS = {
    "GLX": "GLU", "ASX": "ASP", "LLP": "LYS", "PYL": "LYS", "ORN": "LYS", "CSX": "CYS", "CAS": "CYS", "CAF": "CYS",
    "CSU": "CYS", "MHO": "MET", "HS8": "HIS", "IYR": "TYR", "MLE": "LEU", "MVA": "VAL", "SAR": "GLY",
}  # fmt: skip
"""Other modified residues and their parents (PDB Chemical Component Dictionary): they are built as these."""

ATOM_ALIASES = {
    **{("ILE", "CD"): "CD1", ("MET", "SE"): "SD", ("NME", "C"): "CH3", ("NME", "CA"): "CH3", ("ACE", "CA"): "CH3"},
    **{(cap, f"H{k}"): f"HH3{k}" for cap in ("ACE", "NME") for k in (1, 2, 3)},
}
"""Other names of atoms, by residue and name: of CHARMM, in selenomethionine, and of caps in the PDB."""

FIRST_OXYGENS, SECOND_OXYGENS = ("OT1", "O1", "OC1", "OT"), ("OT2", "O2", "OC2")
"""Other names of O and OXT in the last residue of a chain: CHARMM, GROMACS."""

OXYGENS = dict.fromkeys(FIRST_OXYGENS, "O") | dict.fromkeys(SECOND_OXYGENS, "OXT")
"""What these are called here, by their other names."""

CAPS_BEFORE = ("ACE", "FOR")
"""Residues before the first amino acid of a chain: acetyl, formyl (PDB Chemical Component Dictionary)."""

CAPS = (*CAPS_BEFORE, "NME", "NMA", "CT3", "NH2", "NHE")
"""These, and residues behind the last one: N-methylamide (of Amber, of CHARMM), amide (of the PDB, of Amber)."""
