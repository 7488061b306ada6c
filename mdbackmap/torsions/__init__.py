"""A protein in angles: internal coordinates on the C-alpha trace, and distributions of torsions."""
