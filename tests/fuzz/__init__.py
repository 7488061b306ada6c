"""
A fuzzer: generated, odd and damaged input through the command line and the Python API.

    cd tests && python -m fuzz --cases 2000 --seed 0

Every case is made from (seed, number of the case) alone. Modules: `molecules` (beads, names, positions), `files`
(topologies and trajectories, written and damaged), `options` (of verbs and of the API), `cases` (one case, run and
judged), `judging` (what must hold), `running` (many cases).
"""
