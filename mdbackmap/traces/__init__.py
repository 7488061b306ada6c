"""
C-alpha traces that no protein has: how unlike they are, which hand they have, and how little repairs them.

`energies` holds tables learned from crystal structures, `relaxation` moves beads on them, `peptides` finds the peptide
planes that go best with beads, `judging` says how much of a trace a protein could have.
"""
