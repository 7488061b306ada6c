"""
C-alpha traces unlike a protein's: how unlike they are, their handedness, and the smallest changes that repair them.

`energies` holds tables learned from crystal structures, `relaxation` moves beads on them, `peptides` finds the peptide
planes that go best with beads, `judging` says how much of a trace a protein could have.
"""
