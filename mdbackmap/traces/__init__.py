"""
C-alpha traces unlike a protein's: how unlike they are, their handedness, and the smallest changes that repair them.

`energies` holds tables learned from crystal structures, `strain` judges traces by them, `relaxation` moves beads down
their `slopes`, `viterbi` finds the peptide planes that go best with beads, `scores` says how like a protein's a trace
is.
"""
