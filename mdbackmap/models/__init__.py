"""
The networks: what they see, building blocks, GenZProt, CGVAE, the denoiser, and cascades of models.

========= ==============================================
module    what it does
========= ==============================================
base      what every model family has
batch     what a network sees
features  features of beads and of their neighbours
layers    building blocks
compiled  messages between neighbours as a compiled loop
genzprot  GenZProt: C-alphas to atoms, for any protein
posterior its encoder, for training
placement other beads to C-alphas
denoiser  noise removed from C-alphas
cascade   models one after another
========= ==============================================
"""
