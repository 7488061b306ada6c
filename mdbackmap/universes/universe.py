"""`universe_of`: a topology as an ordinary MDAnalysis Universe."""

import MDAnalysis as mda
import numpy as np

_NONE = "X"  # the element of a bead beside atoms; cited: the dummy atom of XYZ files


def universe_of(fine):
    """
    An all-atom Universe without coordinates.

    Parameters
    ----------
    fine : Topology
        A atoms.

    Returns
    -------
    MDAnalysis.Universe
        With names, types, elements (X of beads beside atoms), masses, resnames, resids, icodes, chainIDs, segids,
        bonds, record types.

    Examples
    --------
    >>> from mdbackmap import Topology
    >>> one = Topology(["N", "CA"], ["N", "C"], [0, 0], ["GLY"], [7], [""], ["A"], [""])
    >>> universe_of(one).atoms.n_atoms
    2
    """
    runs = np.r_[True, fine.segids[1:] != fine.segids[:-1]]
    segment = np.cumsum(runs) - 1
    u = mda.Universe.empty(
        fine.n_atoms,
        fine.n_residues,
        int(segment[-1]) + 1,
        atom_resindex=fine.residue_of_atom,
        residue_segindex=segment,
    )
    of_residues = {"chainIDs": fine.chainIDs, "record_types": np.where(fine.nonstandard, "HETATM", "ATOM")}
    texts = {"names": fine.names, "types": fine.elements, "altLocs": np.full(fine.n_atoms, "")}
    if (fine.elements != "").any():  # else writers of XYZ take names
        texts |= {"elements": np.where(fine.elements == "", _NONE, fine.elements)}
    texts |= {name: values[fine.residue_of_atom] for name, values in of_residues.items()}
    texts |= {"resnames": fine.resnames, "icodes": fine.icodes, "segids": fine.segids[runs]}
    for name, values in texts.items():
        u.add_TopologyAttr(name, values.astype(object))
    numbers = {"masses": fine.masses, "resids": fine.resids, "resnums": fine.resids}
    numbers |= {"occupancies": np.ones(fine.n_atoms), "tempfactors": np.zeros(fine.n_atoms)}
    for name, values in numbers.items():
        u.add_TopologyAttr(name, values)
    u.add_TopologyAttr("bonds", [tuple(pair) for pair in fine.bonds.tolist()])
    return u
