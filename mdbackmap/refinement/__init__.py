"""
Atoms made ready for a simulation: minimised in a force field, beads restrained. OpenMM is loaded when it is used.

============== ================================================================================
module         what it holds
============== ================================================================================
settings       how many steps, how firmly beads are held
amber          a molecule as OpenMM has it: Amber ff14SB, GBn2, atoms that stay
restraints     what holds beads
minimising     the minimisation of one frame
refiner        frames shared out among threads; what becomes of a frame that fails
============== ================================================================================
"""
