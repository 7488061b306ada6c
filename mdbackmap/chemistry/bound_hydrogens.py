"""
Hydrogens of amino acids as data: which there are in each form of a residue, and their geometry.

A form is what protonation makes of a residue: HIS is HID, HIE or HIP. Names are those of the Protein Data Bank
(version 3) and of Amber. Lengths in angstrom, angles in degrees.
"""

from . import terminal_caps as caps
from .modified_residues import MODIFIED
from .residues import ATOMS, BONDS, RESIDUE_NAMES

_SIDE_CHAINS = {
    "ALA": {"CB": "HB1 HB2 HB3"},
    "ARG": {"CB": "HB2 HB3", "CG": "HG2 HG3", "CD": "HD2 HD3", "NE": "HE", "NH1": "HH11 HH12", "NH2": "HH21 HH22"},
    "ASN": {"CB": "HB2 HB3", "ND2": "HD21 HD22"},
    "ASP": {"CB": "HB2 HB3"},
    "CYS": {"CB": "HB2 HB3", "SG": "HG"},
    "GLN": {"CB": "HB2 HB3", "CG": "HG2 HG3", "NE2": "HE21 HE22"},
    "GLU": {"CB": "HB2 HB3", "CG": "HG2 HG3"},
    "GLY": {},
    "HIS": {"CB": "HB2 HB3", "CD2": "HD2", "CE1": "HE1"},
    "ILE": {"CB": "HB", "CG1": "HG12 HG13", "CG2": "HG21 HG22 HG23", "CD1": "HD11 HD12 HD13"},
    "LEU": {"CB": "HB2 HB3", "CG": "HG", "CD1": "HD11 HD12 HD13", "CD2": "HD21 HD22 HD23"},
    "LYS": {"CB": "HB2 HB3", "CG": "HG2 HG3", "CD": "HD2 HD3", "CE": "HE2 HE3", "NZ": "HZ1 HZ2 HZ3"},
    "MET": {"CB": "HB2 HB3", "CG": "HG2 HG3", "CE": "HE1 HE2 HE3"},
    "PHE": {"CB": "HB2 HB3", "CD1": "HD1", "CD2": "HD2", "CE1": "HE1", "CE2": "HE2", "CZ": "HZ"},
    "PRO": {"CB": "HB2 HB3", "CG": "HG2 HG3", "CD": "HD2 HD3"},
    "SER": {"CB": "HB2 HB3", "OG": "HG"},
    "THR": {"CB": "HB", "OG1": "HG1", "CG2": "HG21 HG22 HG23"},
    "TRP": {
        **{"CB": "HB2 HB3", "CD1": "HD1", "NE1": "HE1", "CE3": "HE3", "CZ2": "HZ2", "CZ3": "HZ3", "CH2": "HH2"},
    },
    "TYR": {"CB": "HB2 HB3", "CD1": "HD1", "CD2": "HD2", "CE1": "HE1", "CE2": "HE2", "OH": "HH"},
    "VAL": {"CB": "HB", "CG1": "HG11 HG12 HG13", "CG2": "HG21 HG22 HG23"},
}

FORMS = {
    **{name: (name, {}) for name in RESIDUE_NAMES if name != "HIS"},
    "HID": ("HIS", {"ND1": "HD1"}),
    "HIE": ("HIS", {"NE2": "HE2"}),
    "HIP": ("HIS", {"ND1": "HD1", "NE2": "HE2"}),
    "ASH": ("ASP", {"OD2": "HD2"}),
    "GLH": ("GLU", {"OE2": "HE2"}),
    "LYN": ("LYS", {"NZ": "HZ2 HZ3"}),
    "CYX": ("CYS", {"SG": ""}),
    "CYM": ("CYS", {"SG": ""}),
    "TYM": ("TYR", {"OH": ""}),
    **{name: (name, bound) for name, bound in caps.HYDROGENS.items()},
}
"""Forms by Amber's names: the residue, and what is other than in its usual form. HIS is one of its three. Caps, too."""

FORM_OF_NAME = {
    **{"HSD": "HID", "HISD": "HID", "HISA": "HID", "HSE": "HIE", "HISE": "HIE", "HISB": "HIE", "HSP": "HIP"},
    **{"HISH": "HIP", "HISP": "HIP", "ASPP": "ASH", "ASPH": "ASH", "GLUP": "GLH", "GLUH": "GLH", "LSN": "LYN"},
    **{"LYSN": "LYN", "CYS2": "CYX", "TYRU": "TYM"},
    **{name: name for name in FORMS if name not in RESIDUE_NAMES},
}
"""Forms by the names of Amber, CHARMM and GROMACS that leave no choice."""

# pKa of residues in water, and the form below it; cited: PROPKA 3.1, Olsson et al. 2011.
ACIDITIES = {"ASP": (3.80, "ASH"), "GLU": (4.50, "GLH"), "HIS": (6.50, "HIP")}
# pKa of residues in water, and the form above it; cited: PROPKA 3.1, Olsson et al. 2011.
BASICITIES = {"CYS": (9.00, "CYM"), "TYR": (10.00, "TYM"), "LYS": (10.50, "LYN")}

AMINE = {"charged": "H1 H2 H3", "neutral": "H1 H2"}
PROLINE_AMINE = {"charged": "H2 H3", "neutral": "H2"}
"""Hydrogens on N of the first residue of a chain, and of proline there."""
ACID = "HXT"
"""Hydrogen on OXT of a neutral last residue."""

PLANAR = frozenset(
    (residue, atom)
    for residue, atoms in {
        **{"ARG": "NE NH1 NH2", "ASN": "ND2", "GLN": "NE2", "HIS": "ND1 CD2 CE1 NE2"},
        **{"PHE": "CD1 CD2 CE1 CE2 CZ", "TYR": "CD1 CD2 CE1 CE2", "TRP": "CD1 NE1 CE3 CZ2 CZ3 CH2"},
        **{"ALY": "NZ", "KCX": "NZ", "FME": "N CN", "PCA": "N"},
    }.items()
    for atom in atoms.split()
)
"""Atoms of side chains whose bonds lie in a plane; N within a chain is one, too."""
AROMATIC = frozenset(
    (name, atom) for name in ("HIS", "PHE", "TRP", "TYR") for atom in ATOMS[name][5:] if atom[0] == "C"
)
"""Carbons of aromatic rings."""

LENGTHS = {"C": 1.09, "N": 1.01, "O": 0.96, "S": 1.336}  # angstrom; cited: Amber ff14SB, bonds by the other element
SELENIUM_LENGTH = 1.561  # angstrom; cited: ideal coordinates of the CCD (SEC)
AROMATIC_LENGTH = 1.08  # angstrom; cited: Amber ff14SB, of C in a plane

TETRAHEDRAL = 109.5  # degrees; cited: Amber ff14SB, H-C-H and H-N-H of ammonium
TRIGONAL = 120.0  # degrees; cited: Amber ff14SB, H-N-H of amides and C-N-H of guanidinium
METHYLENE = (
    108.4  # degrees, H-C-H; measured: the components that hydride's library was made of (PDB), as C-C-C is wider
)
HYDROXYL, ACID_HYDROXYL, THIOL = 108.5, 113.0, 96.0  # degrees; cited: Amber ff14SB, C-O-H (phenols and acids), C-S-H


TURNS = {
    ("SER", "OG"): ("CA", 180.0, HYDROXYL),
    ("THR", "OG1"): ("CA", 180.0, HYDROXYL),
    ("CYS", "SG"): ("CA", 180.0, THIOL),
    ("TYR", "OH"): ("CE1", 0.0, ACID_HYDROXYL),
    ("ASP", "OD2"): ("OD1", 0.0, ACID_HYDROXYL),
    ("GLU", "OE2"): ("OE1", 0.0, ACID_HYDROXYL),
    ("ARG", "NH1"): ("NE", 0.0, TRIGONAL),
    ("ARG", "NH2"): ("NE", 0.0, TRIGONAL),
    ("ASN", "ND2"): ("CB", 180.0, TRIGONAL),
    ("GLN", "NE2"): ("CG", 180.0, TRIGONAL),
    ("NH2", "N"): ("CA", 180.0, TRIGONAL),
    ("ACE", "CH3"): ("O", 0.0, TETRAHEDRAL),
    ("CSS", "SD"): ("CB", 180.0, THIOL),
    ("SEC", "SE"): ("CA", 180.0, THIOL),
    ("DAH", "OE2"): ("CZ", 0.0, ACID_HYDROXYL),
    ("YCM", "NZ2"): ("CD", 180.0, TRIGONAL),
}
"""
Hydrogens that turn about the one bond of their atom: the atom they are measured from, the first one's torsion, and
the angle at the bond, in degrees; cited: Amber's topologies. Methyls and amines are staggered instead.
"""
STAGGERED, THIRD, HALF = 60.0, 120.0, 180.0  # degrees; cited: a minimum of a threefold rotation; parts of a turn

FLIPS = {
    "ASN": (("CB", "CG"), ("OD1", "ND2")),
    "GLN": (("CG", "CD"), ("OE1", "NE2")),
    "HIS": (("CB", "CG"), ("ND1", "CD2", "CE1", "NE2")),
}
"""Side chains that crystals show turned by half a turn as easily: the bond they turn about, and the atoms that turn."""


def turn_of(residue, atom):
    """
    The atom that the hydrogens of an atom with one bond are measured from, their torsions, and the angle at the bond.

    Parameters
    ----------
    residue, atom : str

    Returns
    -------
    reference : str or None
        None where any will do.
    torsions : tuple of float
        Of three hydrogens at most, degrees.
    bend : float
        Degrees.

    Examples
    --------
    >>> turn_of("ALA", "CB"), turn_of("ASN", "ND2")
    ((None, (60.0, 180.0, 300.0), 109.5), ('CB', (180.0, 360.0), 120.0))
    """
    acid = ("O", 0.0, ACID_HYDROXYL) if atom == "OXT" else (None, STAGGERED, TETRAHEDRAL)
    reference, first, bend = TURNS.get((residue, atom), acid)
    steps = [0.0, THIRD, 2 * THIRD] if bend == TETRAHEDRAL else [0.0, HALF]
    return reference, tuple(first + step for step in steps), bend


def hydrogens_of(form):
    """
    Hydrogens of a form of a residue within a chain, by the heavy atoms that they are bonded to.

    Examples
    --------
    >>> hydrogens_of("HIE")
    {'N': ('H',), 'CA': ('HA',), 'CB': ('HB2', 'HB3'), 'CD2': ('HD2',), 'CE1': ('HE1',), 'NE2': ('HE2',)}
    """
    if form in MODIFIED:
        return _of_modified(MODIFIED[form])
    residue, other = FORMS[form]
    if form in caps.ATOMS:
        return {atom: tuple(names.split()) for atom, names in other.items()}
    return _split(_usual(residue) | other, ATOMS[residue])


def _usual(residue):
    """Hydrogens of a residue in its usual form within a chain."""
    alpha = "HA2 HA3" if residue == "GLY" else "HA"
    return {"N": "" if residue == "PRO" else "H", "CA": alpha} | _SIDE_CHAINS[residue]


def _of_modified(modified):
    """Those of a modified residue."""
    residue = modified.like or modified.parent
    bound = {modified.renamed.get(atom, atom): names for atom, names in _usual(residue).items()} | modified.hydrogens
    return _split(bound, dict.fromkeys(atom for bond in modified.bonds for atom in bond))


def _split(bound, atoms):
    return {atom: tuple(bound[atom].split()) for atom in atoms if bound.get(atom)}


def kind_of(resname, variant, atom):
    """
    By what residue and name the hydrogens of an atom are found in the tables here.

    Parameters
    ----------
    resname, variant : str
        Of a `Topology`.
    atom : str

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> kind_of("SER", "SER", "OG"), kind_of("LYS", "ALY", "NZ"), kind_of("GLY", "DSN", "OG")
    (('SER', 'OG'), ('ALY', 'NZ'), ('SER', 'OG'))
    """
    modified = MODIFIED.get(variant)
    if modified is None:
        return resname, atom
    if (variant, atom) in TURNS or (variant, atom) in PLANAR:
        return variant, atom
    return modified.like or modified.parent, modified.of_like(atom)


def length_of(name):
    """Length in angstrom of the bonds of hydrogens to an atom of this name, outside of rings."""
    return SELENIUM_LENGTH if name == "SE" else LENGTHS[name[0]]


def inward_first(residue, atom):
    """
    Heavy atoms that an atom is bonded to in its residue, from the inside out along the side chain.

    Which of two hydrogens is which depends on this order (IUPAC).

    Examples
    --------
    >>> inward_first("PRO", "CD"), inward_first("GLY", "CA")
    (['CG', 'N'], ['N', 'C'])
    """
    bonds, atoms = (BONDS[residue], ATOMS[residue]) if residue in ATOMS else (caps.BONDS[residue], caps.ATOMS[residue])
    bonded = [a if b == atom else b for a, b in bonds if atom in (a, b)]
    depth = {name: slot for slot, name in enumerate(atoms)}
    ring = residue == "PRO" and atom == "CD"
    return sorted(bonded, key=depth.get, reverse=ring)


def written_names(names, form, convention):
    """
    Names of the atoms of a residue as force fields have them.

    Parameters
    ----------
    names : sequence of str
        As here.
    form : str
    convention : {"amber", "charmm", "gromacs"}

    Returns
    -------
    list of str

    Examples
    --------
    >>> written_names(["H", "HB2", "HB3", "HG", "OXT"], "SER", "charmm")
    ['HN', 'HB2', 'HB1', 'HG1', 'OT2']
    >>> written_names(["H", "HB2", "HB3", "HG", "OXT"], "SER", "gromacs")
    ['H', 'HB1', 'HB2', 'HG', 'OXT']
    """
    if convention == "amber":
        return list(names)
    residue = FORMS.get(form, (form,))[0]
    if residue in caps.ATOMS:
        return [_OWN[convention].get(residue, {}).get(name, name) for name in names]
    table = _RENAMED[convention] | _pairs(form, convention) | _OWN[convention].get(residue, {})
    if convention == "charmm" and "OXT" in names:
        table = table | {"O": "OT1"}
    return [table.get(name, name) for name in names]


def written_form(form, convention):
    """
    The name of a residue's form.

    Examples
    --------
    >>> written_form("HIE", "charmm"), written_form("CYX", "gromacs"), written_form("HIE", "amber")
    ('HSE', 'CYX', 'HIE')
    """
    return (_CHARMM_FORMS if convention == "charmm" else _AMBER_FORMS).get(form, form)


_AMBER_FORMS = {"NH2": "NHE"}
_CHARMM_FORMS = {"HID": "HSD", "HIE": "HSE", "HIP": "HSP", "ASH": "ASPP", "GLH": "GLUP", "LYN": "LSN", "CYX": "CYS"} | {
    "NME": "NMA"
}
_RENAMED = {
    "charmm": {"H": "HN", "H1": "HT1", "H2": "HT2", "H3": "HT3", "OXT": "OT2", "HXT": "HT2"},
    "gromacs": {},
}
_OWN = {
    "charmm": {
        "ILE": {"CD1": "CD", "HD11": "HD1", "HD12": "HD2", "HD13": "HD3"},
        "SER": {"HG": "HG1"},
        "CYS": {"HG": "HG1"},
        "PRO": {"H2": "HN1", "H3": "HN2"},
        **caps.CHARMM,
    },
    "gromacs": {
        "ILE": {"CD1": "CD", "HD11": "HD1", "HD12": "HD2", "HD13": "HD3"},
        "PRO": {"H2": "H1", "H3": "H2"},
        **caps.GROMACS,
    },
}
"""Other names in CHARMM36 and in GROMACS' Amber force fields; cited: their topology files."""


def _pairs(form, convention):
    """Names of the hydrogens of CH2 groups: 3 and 2 become 1 and 2 (CHARMM), 2 and 3 become 1 and 2 (GROMACS)."""
    table = {}
    for bound in hydrogens_of(form).values() if form in FORMS else ():
        stem = bound[0][:-1]
        if bound == (f"{stem}2", f"{stem}3"):
            new = (f"{stem}2", f"{stem}1") if convention == "charmm" else (f"{stem}1", f"{stem}2")
            table |= dict(zip(bound, new, strict=True))
    return table
