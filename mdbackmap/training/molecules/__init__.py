"""
Training on the frames of one molecule, for CGVAE: its trajectory in, a model of that molecule out.

================ ==========================================================================
module           what it is
================ ==========================================================================
molecule_config  what a run depends on, from a TOML file with ``family = "cgvae"``
molecule_frames  a Universe -> topology with bonds, and positions of its frames
holdout          which frames are held out
learned_mapping  a mapping learned from the frames
molecule_terms   the terms of the loss
molecule_task    frames as a `tasks.Task`: batches, loss, validation
molecule_run     all of it in order
================ ==========================================================================
"""
