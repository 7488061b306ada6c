"""
Training of a chain: every step of it alone, on pairs of levels cut from the frames of one molecule.

========== ==========================================================================
module     what it is
========== ==========================================================================
config     what a run depends on, from a TOML file with ``family = "chain"``
reading    frames as C-alpha traces, or as the heavy atoms of the protein
levels     mappings and positions of all levels
memory     what a training step holds in memory
tuning     a last step for any protein, trained on with the frames of this one
running    all of it in order, and the chain as one checkpoint
========== ==========================================================================
"""
