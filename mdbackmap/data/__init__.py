"""
Structures to learn from and to judge by: files read, cleaned, clustered, packed and cut into batches.

============ ===============================================
module       what it does
============ ===============================================
sources      where structures come from: files and Universes
deposited    atoms of PDB and mmCIF files
polymers     protein chains out of atoms
clusters     which sequences are related
packs        a structure pack made of these
pack_files   packs written
layouts      packs read
structures   chains of packs in memory
dataset      units and batches
jitter       noise on C-alpha traces
bead_draws   other beads than C-alphas, drawn for training
bead_batches batches seen through these
known        known structures to judge models by
============ ===============================================
"""
