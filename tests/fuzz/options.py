"""Options of the verbs and of the Python API: mostly sound values, some odd ones."""

from .molecules import chance, pick

FRAMES = [["--step", "2"], ["--start", "1"], ["--stop", "2"], ["--frames", "0"], ["--frames", "0,1"], ["--stop", "-1"]]
ODD_FRAMES = [
    ["--step", "0"],
    ["--step", "-1"],
    ["--start", "99"],
    ["--frames", "7-2"],
    ["--frames", "a"],
    ["--frames", "99"],
    ["--frames", ""],
    ["--stop", "1.5"],
    ["--frames", "-1"],
    ["--frames", "0,0"],
    ["--frames", "0", "--step", "2"],
]
INPUT = [["--select", "name CA"], ["--select", "protein"], ["--select", "all"], ["--alias", "XYZ=ALA"]]
ODD_INPUT = [
    ["--select", "name CA and"],
    ["--select", "resid 5000"],
    ["--select", ""],
    ["--select", "prop x <"],
    ["--select", "((("],
    ["--select", "around 5 name"],
    ["--alias", "XYZ"],
    ["--alias", "ALA=XYZ"],
    ["--alias", "=ALA"],
    ["--mapping", "martini"],
    ["--mapping", "ca"],
    ["--mapping", "blocks:0"],
]
FORMATS = [["--format", "XTC"], ["--topology-format", "PDB"], ["--reader-option", "dt=2"], ["--format", "pdb"]]
ODD_FORMATS = [["--format", "FOO"], ["--topology-format", "XTC"], ["--format", ""], ["--reader-option", "dt=x"]]
ODD_FORMATS += [["--reader-option", "nothing=1"], ["--reader-option", "dt"], ["--reader-option", "=2"]]
ODD_FORMATS += [["--reader-option", "convert_units=False"], ["--reader-option", "n_atoms=5"], ["--format", "DCD"]]
CHAINS = [
    ["--breaks", "auto"],
    ["--breaks", "topology"],
    ["--breaks", "1"],
    ["--sequence", "A"],
    ["--sequence", "MKV"],
    ["--scale", "10"],
    ["--scale", "1"],
]
ODD_CHAINS = [
    ["--breaks", "x"],
    ["--breaks", "A:999"],
    ["--breaks", "-1"],
    ["--breaks", ""],
    ["--breaks", "999"],
    ["--sequence", "B1"],
    ["--sequence", ""],
    ["--sequence", "nowhere.fasta"],
    ["--scale", "0"],
    ["--scale", "nan"],
    ["--scale", "-1"],
    ["--scale", "1e30"],
    ["--sequence", "A,,A"],
]
MAKING = [
    ["--temperature", "0"],
    ["--temperature", "0.5"],
    ["--n-samples", "2"],
    ["--seed", "7"],
    ["--mirror", "fix"],
    ["--mirror", "ignore"],
    ["--bead-tolerance", "0"],
    ["--bead-tolerance", "0.3"],
    ["--correlation-time", "50"],
    ["--batch-size", "1"],
    ["--batch-size", "3"],
    ["--device", "cpu"],
    ["--threads", "1"],
]
ODD_MAKING = [
    ["--temperature", "-1"],
    ["--temperature", "nan"],
    ["--temperature", "1e9"],
    ["--n-samples", "0"],
    ["--n-samples", "x"],
    ["--seed", "-1"],
    ["--seed", "99999999999999999999"],
    ["--mirror", "no"],
    ["--bead-tolerance", "-1"],
    ["--bead-tolerance", "inf"],
    ["--bead-tolerance", "100"],
    ["--correlation-time", "1e30"],
    ["--batch-size", "0"],
    ["--device", "cuda:9"],
    ["--device", "toaster"],
    ["--model", "nowhere"],
    ["--model", "cgvae-chignolin"],
    ["--model", "."],
    ["--threads", "0"],
]
MESSAGES = [["--quiet"], ["--verbose"], ["--debug"], ["--quiet", "--verbose"]]
COARSENING = [
    ["--mapping", "ca"],
    ["--mapping", "residue"],
    ["--mapping", "blocks:2"],
    ["--mapping", "atoms:3"],
    ["--mapping", "beads:2"],
    ["--mapping", "graph:2"],
    ["--weights", "mass"],
]
ODD_COARSENING = [
    ["--mapping", "blocks:0"],
    ["--mapping", "beads:999"],
    ["--mapping", "x.json"],
    ["--mapping", "blocks:a"],
    ["--mapping", "graph:-1"],
    ["--mapping", ""],
    ["--weights", "x"],
]
OUTPUTS = ["xtc", "xtc", "xtc", "trr", "dcd", "pdb", "h5md", "xyz", "gro", "nc"]
ODD_OUTPUTS = ["", "foo", "xtc.gz", "tpr", "psf", "cif"]


def convert(rng):
    """Options of ``convert``, and whether they leave the number of frames and residues as it is."""
    return _formats(rng) + _drawn(
        rng,
        [(FRAMES, ODD_FRAMES), (INPUT, ODD_INPUT), (CHAINS, ODD_CHAINS), (MAKING, ODD_MAKING), (MAKING, ODD_MAKING)],
    )


def check(rng):
    """Options of ``check``."""
    found = _formats(rng) + _drawn(rng, [(FRAMES, ODD_FRAMES), (INPUT[:3], ODD_INPUT[:9])])
    if chance(rng, 0.5):
        found += ["--trace"] + (pick(rng, CHAINS) if chance(rng, 0.2) else [])
    return found + (pick(rng, [["--worst", "0"], ["--worst", "3"], ["--worst", "x"]]) if chance(rng, 0.2) else [])


def coarsen(rng):
    """Options of ``coarsen``."""
    return _formats(rng) + _drawn(rng, [(FRAMES, ODD_FRAMES), (INPUT, ODD_INPUT[:9]), (COARSENING, ODD_COARSENING)])


def _formats(rng):
    """Formats and readers' options, in one of 14 cases."""
    return pick(rng, FORMATS if chance(rng, 0.5) else ODD_FORMATS) if chance(rng, 0.07) else []


def _drawn(rng, kinds):
    """One of each kind with a chance of 1 in 4, an odd one in 1 of 12."""
    found = []
    for sound, odd in kinds:
        if chance(rng, 0.25):
            found += pick(rng, sound)
        elif chance(rng, 0.08):
            found += pick(rng, odd)
    return found + (pick(rng, MESSAGES) if chance(rng, 0.3) else [])


LOADING = {
    "sequence": ["A", "MKV", ["MKV"], {"A": "MKV"}, "", 5, [None], {"Q": "A"}, "b"],
    "aliases": [{"XYZ": "ALA"}, {}, {"XYZ": "QQQ"}, {1: 2}, "XYZ=ALA", [("XYZ", "ALA")]],
    "breaks": ["auto", "topology", [0], [("A", 1)], [], ["A:1"], [99], [-1], [1.5], "x", [None], 3],
    "mapping": ["ca", "martini", 5, ""],
    "device": ["cpu", "cuda:9", 7],
    "threads": [1, 0, -1, 1.5, "1"],
}
PLACING = {
    "seed": [0, 5, 2**40, -1, 1.5, "1", None, True],
    "temperature": [0, 1, 0.3, -1, float("nan"), "1", None, float("inf")],
    "correlation_time": [0.0, 30.0, -1, float("inf"), "x"],
    "bead_tolerance": [0, 0.3, "auto", -1, "x", None, float("nan"), 50],
    "mirror": ["error", "fix", "ignore", "no", None],
    "batch_size": ["auto", 1, 4, 0, -1, 1.5, "4", None],
}
RUNNING = {
    "start": [0, 1, -1, 99, "a", 1.5],
    "stop": [1, 2, -1, 0, "a"],
    "step": [1, 2, 0, -1, 1.5],
    "frames": [[0], [0, 0], [99], ["a"], [], [True], [-1], [1.5], [None]],
    "n_workers": [1, 2, 0],
}


def keywords(rng, table, share=0.15):
    """Some keywords of a table; the first values of each are sound, and drawn more often."""
    found = {}
    for name, values in table.items():
        if chance(rng, share):
            found[name] = pick(rng, values[:2] if chance(rng, 0.6) else values)
    return found
