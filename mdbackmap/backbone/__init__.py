"""The backbone on given C-alphas: peptide angles drawn along the chain, and clashes of peptides."""
