"""
What a molecule is: its names, residues, chains and bonds at one resolution, and which atoms a bead stands for.

============ ========================================================"""
