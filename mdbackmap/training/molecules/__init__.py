"""
Training on the frames of one molecule, for CGVAE: its trajectory in, a model of that molecule out.

========== ==========================================================================
module     what it is
========== ==========================================================================
config     what a run depends on, from a TOML file with ``family = "cgvae"``
reading    a Universe -> topology with bonds, and positions of its frames
holding    which frames are held out
learned    a mapping learned from the frames
terms      the terms of the loss
task       frames as a `tasks.Task`: batches, loss, validation
running    all of it in order
========== ==========================================================================
"""
