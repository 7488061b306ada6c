"""Atoms for beads: a model bound to a molecule, the pipeline of its stages, and the randomness that it is given."""
