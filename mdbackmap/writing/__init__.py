"""
Writing: from generated frames to complete files under their names.

============= ========================================================================
module        what it does
============= ========================================================================
output        writers of segments
partial       the hidden folder in which an unfinished conversion lies
parts         parts of a conversion that were made on their own
joining       segments joined to the final file
products      the files that an output consists of, checked before and published after
pdb           structures as PDB with TER, and as mmCIF
dcd_times     times of DCD files
destination   from the name of an output to its files
origin        what an output depends on: the provenance
spreads       how far samples lie apart, read back from a complete output
settings      how long the jobs and segments of a conversion are
lock          one conversion at a time in a folder
failure       why an output could not be written
============= ========================================================================
"""
