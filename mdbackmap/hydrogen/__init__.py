"""Hydrogens of proteins: where they are, from the heavy atoms, frame by frame."""
