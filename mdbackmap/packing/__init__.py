"""
Side chains: rotamers drawn, one chosen for each residue, overlaps relieved.

================= ====================================================================
module            what it does
================= ====================================================================
settings          the numbers that decide, with their origins
atom_energies     one energy for all stages: overlaps, contacts, disulfides
contacts          energies of side chains in contact
disulfides        which cysteines are bonded
rotamers          frequencies of rotamers in crystals
pairs             which atoms are near each other
pairs_compiled    the same as a compiled loop
candidates        side chains drawn by the network
overlaps          energies of candidates, with what stays and with each other
choosing          one candidate of each residue is chosen
rigid             side chains as rigid parts that torsions turn
relief            overlaps that are left are minimised in torsions
replacing         side chains that still clash are drawn again, alone
settling          where beads may move: overlapping atoms push them, and turn peptides
settling_compiled the same as a compiled loop
light_atoms       hydrogens as further slots of each residue
light_pairs       near pairs with hydrogens
light_relief      last relief, of all atoms with hydrogens
================= ====================================================================
"""
