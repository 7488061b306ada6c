"""
What a molecule is: its names, residues, chains and bonds at one resolution, and which atoms a bead stands for.

=============== ================================================================================
module          what it is
=============== ================================================================================
topology        `Topology`: names, residues, chains and bonds at one resolution
heavy_atoms     the heavy atoms of a protein, from its residues
attributes      what an AtomGroup says of its atoms
mapping         `Mapping`: which atoms belong to which bead; the ways to make mappings
bead_weights    beads as weighted sums of atoms, and what is asked of them
bead_definition `BeadModel`: which beads a residue has, and which atoms count in each
bead_models     bead models by name, and those of files
mixed           a bead model of one molecule whose residues follow several models
shares          shares of atoms in beads as weights; OXT as a sum of other atoms
bonds           the bond graph: found, walked, cut into connected parts
kinds           a name, a list or a file -> groups of atoms
grouping        groups of atoms -> `Mapping`
named           the `Mapping` that a user names on the command line
nearby          pairs of points that lie near each other, over periodic boundaries, too
crowds          of many molecules of a kind, those that atoms are packed around
plain           a `Mapping` as plain values, as a checkpoint holds it, and back
boxes           box vectors, nearest images, chains made whole
images          molecules in a box: made whole, moved into it, chains brought together
partition       the bond graph cut into parts of about equal size
binding         the beads of a universe checked against a `Mapping`
known_atoms     which atoms of a protein the atoms of another file are
written         a topology with the names that a force field has
kept            `Kept`: atoms that are known, laid onto the beads of a protein
key_beads       frames whose side chains other frames keep
likeness        another topology that the output has to have
residue_pairs   which residue is which of that topology
arranged        atoms in its order and with its names
wrapping        where molecules of the output lie in a box
system          `System`: a converted molecule and others that are carried along
=============== ================================================================================
"""
