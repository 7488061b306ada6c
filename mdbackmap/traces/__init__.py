"""
C-alpha traces unlike a protein's: how unlike they are, their handedness, and the smallest changes that repair them.

================ =====================================================================
module           what it does
================ =====================================================================
settings         the numbers that decide, with their origins
scores           how like a protein's a trace is, and its handedness
energies         energies of traces and of their backbones, as tables with derivatives
splines          tables on a grid, read smoothly
angles           angles and torsions along a trace, with derivatives
strain           the energies of one molecule
viterbi          the best turns of all peptides at once
traces_compiled  the same as compiled loops
relaxation       beads moved until a backbone fits them
slopes           derivatives of the energies of beads that move
crowding         beads that are too near, and contacts that are held
descent          steps downhill
descent_compiled steps of a relaxation as a compiled loop
mending          traces between the steps of a cascade corrected
projection       traces brought onto ranges of distances
================ =====================================================================

`energies` holds tables learned from crystal structures, `strain` judges traces by them, `relaxation` moves beads down
their `slopes`, `viterbi` finds the peptide planes that go best with beads, `scores` says how like a protein's a trace
is.
"""
