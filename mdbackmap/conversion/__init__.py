"""From frames of beads to frames of atoms: options, standard form, treatment of traces, threads."""
