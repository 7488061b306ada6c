"""Side chains: rotamers drawn, one chosen for each residue, overlaps relieved."""
