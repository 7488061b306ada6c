"""
Writing: from a stream of coarse frames to complete files under their names.

========= ==============================================================================
module    what it does
========= ==============================================================================
stream    reads coarse frames and cuts them into jobs
pipeline  generates and writes the jobs, each stage in a thread of its own
output    writers of segments
partial   the hidden folder in which an unfinished conversion lies
joining   segments joined to the final file
products  the files that an output consists of, checked before and published after
pdb       structures as PDB with TER, and as mmCIF
xdr       whole frames of an XTC or TRR file
========= ==============================================================================

`mdbackmap.trajectory.BackmapTrajectory` puts them together.
"""
