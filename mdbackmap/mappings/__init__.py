"""
Mappings that a user names, for any molecule: which atoms a bead stands for, and with which weights.

========== ==========================================================================
module     what it is
========== ==========================================================================
bonds      the bond graph: found, walked, cut into connected parts
kinds      a name, a list or a file -> groups of atoms
grouping   groups of atoms -> `Mapping`
plain      a `Mapping` as plain values, as a checkpoint holds it, and back
binding    the beads of a universe checked against a `Mapping`
========== ==========================================================================

The mapping "ca" of a protein whose atoms are not known lies in `mapping.Mapping.ca` and `recognition`.
"""
