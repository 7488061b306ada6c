"""
MDAnalysis' side: Universes opened, frames read ahead, trajectories lifted to atoms.

========== ==========================================================
module     what it does
========== ==========================================================
opening    files in, a Universe out; what is wrong with files
access     frames read with errors that name them
chosen     which frames are asked for
frames     frames of a coarse trajectory, read ahead
survey     a few frames by which a molecule is recognised
protein    the atoms of a protein in a Universe
whole      a molecule of any kind: topology, whole frames, selections
coarse     an all-atom trajectory as beads
universe   a `Topology` as a Universe
reader     a coarse trajectory read at all-atom size
live       a live stream read at all-atom size
key_frames frames whose side chains other frames keep
keeping    atoms that are known beforehand (`keep=`)
passengers molecules that are carried along (`passthrough=`)
like       a topology that the output has to have (`like=`)
scaling    `Scale`: trajectories that are not in angstrom
========== ==========================================================
"""
