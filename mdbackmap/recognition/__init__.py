"""
Recognition: which atoms of a Universe are C-alpha beads, and what molecule they make.

========== ==============================================================================
module     what it decides
========== ==============================================================================
recognise  all of it: atoms in, indices of the beads and their `Topology` out
beads      which atoms are beads, and what is left out
sequence   which residues they are
breaks     where chains end
trace      units, cis peptides, strain, from the distances
========== ==============================================================================

numpy only; AtomGroups are read by their attributes.
"""
