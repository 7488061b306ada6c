"""
Training of a cascade: every step of it alone, on pairs of levels cut from the frames of one molecule.

=============== ==========================================================================
module          what it is
=============== ==========================================================================
step_config     what a run depends on, from a TOML file with ``family = "chain"``
protein_frames  frames as C-alpha traces, or as the heavy atoms of the protein
levels          mappings and positions of all levels
memory          what a training step holds in memory
tuning          a last step for any protein, trained on with the frames of this one
step_runs       all of it in order, and the cascade as one checkpoint
=============== ==========================================================================
"""
