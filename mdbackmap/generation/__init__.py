"""
Atoms for beads: a model bound to a molecule, the pipeline of its stages, and the randomness that it is given.

============== ======================================================
module         what it does
============== ======================================================
reconstruction all steps, from frames of beads to all atoms
bound          a network with all that sampling needs of one molecule
placing        C-alphas from other beads
pipeline       the stages, from C-alphas to atoms: one function
conformation   where the atoms are, handed from stage to stage
settings       the settings of all stages
noise          randomness, keyed by seed, frame and sample
held           side chains that are kept of key frames
ring           closed chains, cut elsewhere
============== ======================================================
"""
