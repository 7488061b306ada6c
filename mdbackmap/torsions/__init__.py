"""
A protein in angles: internal coordinates on the C-alpha trace, and distributions of torsions.

========== ======================================================================
module     what it does
========== ======================================================================
internal   `InternalCoordinates`: angles to atoms, atoms to angles
trace_ends C-alphas before and after each residue, beyond ends of chains, too
prolines   rings of prolines closed, and their pucker
movable    which atoms turn with which torsions
given      atoms that are known, and what is joined to them
borders    C-alphas beside atoms that are known
bead_table which atoms beads stand for, as tensors
heads      distributions of torsions that a network has
circular   angles on the circle, and distributions of them
compiled   heads and distributions as compiled loops
========== ======================================================================
"""
