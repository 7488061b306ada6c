"""Atoms brought onto the beads of any bead model: torsions, tilts of side chains, and C-alphas fitted."""
