"""
A conversion: a plan, a function that converts one part of it, and backends that have parts converted.

============= ====================================================================
module        what it does
============= ====================================================================
plan          all that a conversion depends on but its trajectory, checked
part          converts one part of a plan
backends      have parts converted, in this process or in others
cluster       a backend: the workers of a dask.distributed cluster
incoming      a conversion of frames that come one after another
jobs          batches of structures, gathered from coarse frames
generator     the structures of jobs, group by group
stage_threads generates and writes the jobs, each stage in a thread of its own
tally         how far beads were moved, and what was not corrected
outcome       results, the report on what was written, structures left out
progress      the progress bar
============= ====================================================================

`mdbackmap.trajectory.BackmapTrajectory` puts them together, and `mdbackmap.reporter.BackmapReporter`.
"""
