"""
Cascades judged, beside models of one step, on frames held out from their training, from prior samples alone.

============== ==========================================================================
module         what it is
============== ==========================================================================
held_out       one model: structures, traces, secondary structure, cost
trace_quality  C-alpha traces: distances of neighbours, contacts
secondary      secondary structure by a simple rule
bounds         the evidence lower bound of a cascade, step by step
cost           parameters, memory and time of training and sampling
report         tables and pictures
============== ==========================================================================
"""
