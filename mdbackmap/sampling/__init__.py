"""From frames of beads to frames of atoms: a molecule's standard form, treatment of its trace, threads."""
