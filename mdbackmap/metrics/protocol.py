"""
How good generated structures are: one protocol for every model.

`evaluate` compares generated structures with a reference; `evaluate_geometry` judges them on their own, for
traces that have no atoms behind them. Both take atom14 arrays (see `dihedrals`) and return a flat dict of
numbers with the keys below, averaged over frames; `summarise` averages such dicts over chains. Nothing is
superposed: the beads fix the frame. Equivalent atoms (ASP OD, GLU OE, PHE and TYR CD and CE, ARG NH) are
compared in the better of their two assignments.

===================================== =========================================================================
key                                   what it is
===================================== =========================================================================
rmsd                                  over all heavy atoms, angstrom
rmsd_backbone, rmsd_side_chain        over N, C, O; over all but N, CA, C, O
bead_deviation                        largest distance of a generated CA from the reference's, angstrom
bonds, angles                         % within 10% (10 degrees) of the reference's value, or of the ideal one
bonds_ideal, angles_ideal             % within 10% (10 degrees) of the ideal value, if there is a reference
ged                                   bonds missing or extra (d < 1.3 (r_i + r_j)), % of the reference's
contacts                              % of residues with an atom under 1.2 A from another residue's
clashscore                            overlaps of 0.4 A and more per 1000 heavy atoms
pierced                               rings that a bond passes through, in a structure
rama_favoured, _allowed, _outliers    % of residues, Top8000
rotamer_favoured, rotamer_outliers    % of side chains, Top8000; arginine and lysine are not judged
cbeta_outliers                        % of CB more than 0.25 A from their ideal place
cis, twisted                          % of peptides with |omega| < 30, and between 30 and 150 degrees
cis_kept, false_cis                   % of the reference's cis peptides that are cis; of its trans ones that are
mirrored_ca, mirrored_cb              % of CA that are D; of ILE and THR CB of the wrong hand
chi1, chi12                           % of chi1, of chi1 and chi2 both, within 40 degrees; without proline
===================================== =========================================================================

A value that no residue has (``cis_kept`` without a cis peptide) is NaN. Shapes: `F` frames, `S` samples,
`R` residues.
"""

import numpy as np

from ..chemistry.elements import SLOTS
from ..chemistry.residues import CA
from .clashes import graph_difference
from .comparison import CIS, TRANS, chi_agreement, cis_agreement, match_equivalent, mean, percent, rmsd
from .covalent import Covalent, bond_angles, bond_lengths
from .dihedrals import backbone_torsions
from .measure import ANGLE_TOLERANCE, BOND_TOLERANCE, Measure
from .top8000 import (
    RAMA_ALLOWED,
    RAMA_FAVOURED,
    ROTAMER_FAVOURED,
    ROTAMER_OUTLIER,
    ramachandran_kind,
    ramachandran_score,
)

CBETA_OUTLIER = 0.25  # angstrom; cited: Lovell et al. 2003


def ramachandran(positions, mask, types, ends):
    """
    Residues by Ramachandran region, on the six Top8000 maps.

    Parameters
    ----------
    positions : ndarray of float, shape (F, R, 14, 3)
    mask : ndarray of bool, shape (R, 14)
    types : ndarray of int, shape (R,)
    ends : ndarray of bool, shape (R,)

    Returns
    -------
    dict of str to float
        ``rama_favoured``, ``rama_allowed``, ``rama_outliers``: percent of the residues that have phi and psi.

    Examples
    --------
    >>> positions = np.random.default_rng(0).normal(size=(1, 9, 14, 3))
    >>> shares = ramachandran(positions, np.ones((9, 14), bool), np.zeros(9, int), np.arange(9) == 8)
    >>> round(sum(shares.values()), 6)
    100.0
    """
    phi, psi, omega = backbone_torsions(positions, mask, ends)
    kind = ramachandran_kind(types, ends, np.abs(omega) < 0.5 * np.pi)
    return _regions(ramachandran_score(phi, psi, kind), kind)


def _regions(score, kind):
    known, favoured, outlier = np.isfinite(score), score >= RAMA_FAVOURED, score < RAMA_ALLOWED[kind]
    return {
        "rama_favoured": percent(favoured, known),
        "rama_allowed": percent(~favoured & ~outlier, known),
        "rama_outliers": percent(outlier, known),
    }


def evaluate_geometry(generated, mask, types, ends):
    """
    Judge structures on their own, without a reference.

    Parameters
    ----------
    generated : ndarray of float, shape (F, R, 14, 3)
    mask : ndarray of bool, shape (R, 14)
    types : ndarray of int, shape (R,)
    ends : ndarray of bool, shape (R,)
        Last residue of each unbroken stretch.

    Returns
    -------
    dict of str to float
        See the module's table; ``bonds`` and ``angles`` are against ideal values.

    Raises
    ------
    ValueError
        If shapes disagree or a position is not finite.

    Examples
    --------
    >>> from mdbackmap.datafiles import VALIDATION                      # doctest: +SKIP
    >>> evaluate_geometry(positions, mask, types, ends)["clashscore"]   # doctest: +SKIP
    8.1
    """
    generated, mask, types, ends = checked(generated, mask, types, ends)
    measure = Measure(mask, types, ends)
    return geometry(measure, measure(generated))


def geometry(measure, measured):
    """
    What `evaluate_geometry` says of structures that have been measured.

    Parameters
    ----------
    measure : Measure
    measured : Measured

    Returns
    -------
    dict of str to float
        With ``clashscore_all`` where there are hydrogens.
    """
    rotamer, beta = measured.rotamer, measured.cbeta
    counts = {"clashscore": (measured.clashes, measure.covalent.n_atoms)}
    if measured.all_clashes is not None:
        counts["clashscore_all"] = measured.all_clashes, measure.n_atoms
    return {
        "bonds": float(100.0 * mean(~measured.off_bonds)),
        "angles": float(100.0 * mean(~measured.off_angles)),
        "contacts": 100.0 * float(measured.contacts.mean()),
        **{name: float(mean([1000.0 * len(pairs) / n for pairs in found])) for name, (found, n) in counts.items()},
        "pierced": float(mean([len(pairs) for pairs in measured.pierced])),
        **_regions(measured.ramachandran, measured.kind),
        "rotamer_favoured": percent(rotamer >= ROTAMER_FAVOURED, np.isfinite(rotamer)),
        "rotamer_outliers": percent(rotamer < ROTAMER_OUTLIER, np.isfinite(rotamer)),
        "cbeta_outliers": percent(beta > CBETA_OUTLIER, np.isfinite(beta)),
        **_peptides(measured.omega),
        "mirrored_ca": percent(measured.alpha < 0, np.isfinite(measured.alpha)),
        "mirrored_cb": percent(measured.beta < 0, np.isfinite(measured.beta)),
    }


def evaluate(generated, reference, mask, types, ends, *, generated_mask=None, legacy=False):
    """
    Compare generated structures with a reference.

    Parameters
    ----------
    generated : ndarray of float, shape (F, R, 14, 3)
    reference : ndarray of float, shape (F, R, 14, 3), (1, R, 14, 3) or (R, 14, 3)
    mask : ndarray of bool, shape (R, 14)
        Atoms of the reference.
    types : ndarray of int, shape (R,)
    ends : ndarray of bool, shape (R,)
        Last residue of each unbroken stretch.
    generated_mask : ndarray of bool, shape (R, 14), optional
        Atoms that were generated, if fewer; only atoms in both are judged.
    legacy : bool
        GED by signed differences, as in the papers' code.

    Returns
    -------
    dict of str to float
        See the module's table.

    Raises
    ------
    ValueError
        If shapes disagree or a position is not finite.

    Examples
    --------
    >>> evaluate(generated, reference, mask, types, ends)["rmsd"]   # doctest: +SKIP
    1.25
    """
    if generated_mask is not None:
        mask = np.asarray(mask, bool) & np.asarray(generated_mask, bool)
    generated, mask, types, ends = checked(generated, mask, types, ends)
    reference = np.asarray(reference, dtype=float)
    reference = reference[None] if reference.ndim == 3 else reference
    if reference.shape[1:] != generated.shape[1:] or len(reference) not in (1, len(generated)):
        raise ValueError(f"reference has shape {reference.shape}, expected one frame or those of {generated.shape}")
    covalent = Covalent.of(types, mask, ends)
    atoms = covalent.flat(match_equivalent(generated, reference, mask, types))
    true = covalent.flat(reference)
    beads = np.linalg.norm(generated[:, :, CA] - reference[:, :, CA], axis=-1)[:, mask[:, CA]]
    alone, lengths = evaluate_geometry(generated, mask, types, ends), bond_lengths(true, covalent)
    return {
        **{name: float(values.mean()) for name, values in rmsd(generated, reference, mask, types).items()},
        "bead_deviation": float(beads.max(initial=0.0)),
        "ged": float(graph_difference(atoms, true, covalent, legacy=legacy).mean()),
        **chi_agreement(generated, reference, mask, types),
        **alone,
        **{f"{name}_ideal": alone[name] for name in ("bonds", "angles")},
        **cis_agreement(generated, reference, mask, ends),
        "bonds": _kept(bond_lengths(atoms, covalent), lengths, BOND_TOLERANCE * lengths),
        "angles": _kept(bond_angles(atoms, covalent), bond_angles(true, covalent), ANGLE_TOLERANCE),
    }


def summarise(rows):
    """
    Mean over chains of what `evaluate` returns, chains without a value or without a finite one left out.

    Parameters
    ----------
    rows : sequence of dict of str to float

    Returns
    -------
    dict of str to float

    Examples
    --------
    >>> summarise([{"rmsd": 1.0, "cis_kept": float("nan")}, {"rmsd": 2.0, "cis_kept": 100.0}])
    {'rmsd': 1.5, 'cis_kept': 100.0}
    >>> summarise([{"rmsd": 1.0}, {"rmsd": 2.0, "div": 0.5}])
    {'rmsd': 1.5, 'div': 0.5}
    """
    keys = dict.fromkeys(key for row in rows for key in row)
    return {key: float(mean([row[key] for row in rows if np.isfinite(row.get(key, np.nan))])) for key in keys}


def checked(positions, mask, types, ends):
    """The same as arrays of the right types; ValueError if their shapes do not fit each other."""
    positions, mask = np.asarray(positions, dtype=float), np.asarray(mask, dtype=bool)
    types, ends = np.asarray(types), np.asarray(ends, dtype=bool)
    n = len(types)
    if positions.ndim != 4 or positions.shape[1:] != (n, 14, 3) or mask.shape != (n, 14) or ends.shape != (n,):
        raise ValueError(
            f"positions {positions.shape}, mask {mask.shape} and ends {ends.shape} do not fit {n} residues: "
            f"expected (frames, {n}, 14, 3), ({n}, 14) and ({n},)"
        )
    return positions, mask & SLOTS[types], types, ends


def _kept(values, expected, tolerance):
    return float(100.0 * mean(np.abs(values - expected) <= tolerance))


def _peptides(omega):
    known = np.isfinite(omega)
    return {"cis": percent(omega < CIS, known), "twisted": percent((omega >= CIS) & (omega <= TRANS), known)}
