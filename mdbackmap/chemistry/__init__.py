"""Facts of chemistry as data, each with its source: residues, elements, the geometry of the peptide chain."""
