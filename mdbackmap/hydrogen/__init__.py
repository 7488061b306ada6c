"""
Hydrogens of proteins: where they are, from the heavy atoms, frame by frame.

========= ========================================================
module    what it does
========= ========================================================
adding    all of it: `Hydrogens` of one molecule
parents   how hydrogens follow from heavy atoms
deciding  once for a molecule: disulfides, tautomers of histidines
vicinity  the part of a large molecule that decides
acidities protons by PROPKA
movers    groups that can turn, and where to
scoring   energies of groups that turn
turning   groups turned to where they clash least
easing    hydrogens bent away from other atoms
sulfurs   disulfides closed in every frame
grown     heavy atoms of modified residues
========= ========================================================
"""
