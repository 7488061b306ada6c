"""
Writing: from a stream of coarse frames to complete files under their names.

============= ========================================================================
module        what it does
============= ========================================================================
stream        reads coarse frames and cuts them into jobs
stage_threads generates and writes the jobs, each stage in a thread of its own
output        writers of segments
partial       the hidden folder in which an unfinished conversion lies
joining       segments joined to the final file
products      the files that an output consists of, checked before and published after
pdb           structures as PDB with TER, and as mmCIF
destination   from the name of an output to its files
origin        what an output depends on: the provenance
moved         how far beads were moved
pace          how many structures a job may hold
progress      the progress bar
lock          one conversion at a time in a folder
failure       why an output could not be written
============= ========================================================================

`mdbackmap.trajectory.BackmapTrajectory` puts them together.
"""
