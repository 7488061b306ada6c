"""
Recognition: which atoms of a Universe are beads of a protein, of which bead model, and what molecule they make.

=========== =======================================================================
module      what it decides
=========== =======================================================================
recognise   all of it: atoms in, beads, their `Topology` and `BeadModel` out
beads       which atoms are beads, and what is left out
bead_names  which bead models the names of beads allow
bead_places which of these it is, by distances
overruled   what speaks against the bead model that the user names
centres     C-alphas or centres of mass, residue by residue
all_beads   all beads of residues, from one of each
numbers     residue numbers of PDB files that are not plain decimals
conformers  which of a residue's alternate locations is taken
bead_trace  the beads, one a residue, where they lie, and what the input says of them
order       the order of beads along their chains
derived     what is built of modified residues and D-residues
assembly    names, chain ends, cis peptides and bonds together: the `Topology`
sequence    which residues they are
fasta       FASTA files, and which record belongs to which chain
breaks      where chains end
links       bonds between residues that do not follow each other: rings, disulfides
spacing     units, cis peptides, strain, from the distances
settings    the numbers that decide, with their origins
soundness   whether coordinates are those of a molecule at all
=========== =======================================================================

numpy only; AtomGroups are read by their attributes.
"""
