"""
Models of one molecule, trained and judged: alanine dipeptide with N beads, chignolin with 6 beads or one a residue.

    python tests/benchmarks/single_molecules.py MD_FOLDER dipeptide-4 chignolin-6 ...

MD_FOLDER has the folders ``alanine_dipeptide`` and ``chignolin``, with a topology and a trajectory in each. Every name
becomes ``runs/NAME.toml``, which 'mdbackmap train' reads, and ``runs/NAME/``; a run that is there goes on. The tables
are those of 'mdbackmap evaluate --cgvae', on the frames that were held out.
"""

import sys
from pathlib import Path

from mdbackmap.cli import main

SHARED = """\
[model]
family = "cgvae"

[data]
topology = "{folder}/topology{heavy}.pdb"
trajectory = ["{folder}/traj{heavy}.xtc"]
mapping = "{mapping}"
{data}

[training]
folder = "runs/{name}"
{training}

[loss]
{loss}

[validation]
every = 10
frames = 200
"""
DIPEPTIDE = {
    "data": 'frames = "0:4500"\nruns = [1500, 1500, 1500, 2000]\nweights = "{weights}"',  # the runs at 300 K
    "training": "seed = 1\nepochs = 20\nlearning_rate = 5e-3\nkl_warmup = 0.6",
    "loss": "kl = 0.01\ngraph = 25.0",
    "heavy": "",
}
MORE_BEADS = {
    "data": DIPEPTIDE["data"] + "\nvalid = 0.1",
    "training": "seed = 3\nepochs = 9\nlearning_rate = 5e-3\nkl_warmup = 0.3",
    "loss": "kl = 0.002\nsamples = 0.0",
    "heavy": "",
}
FOUR_BEADS = "[[0, 1, 2, 3, 4, 5], [6, 7], [8, 9, 10, 11, 12, 13], [14, 15, 16, 17, 18, 19, 20, 21]]"  # once learned
CHIGNOLIN = {
    "data": "runs = [950, 1000, 1000, 1090]",
    "training": "seed = 1\nepochs = 1000\nminutes = 60\nbatch_size = 32\nlearning_rate = 4e-3\nkl_warmup = 0.3",
    "loss": "kl = 0.01\ngraph = 50.0",
    "heavy": "_heavy",
}


def description(name, md):
    """The TOML file of a run, such as "dipeptide-4": three beads of the dipeptide and ten of chignolin are residues."""
    system, beads = name.split("-")
    if system == "dipeptide":
        mapping, weights = ("residue", "mass") if beads == "3" else (f"learned:{beads}", "geometry")
        if beads == "4":
            mapping = f"runs/{name}.json"
            Path(mapping).write_text(FOUR_BEADS)
        chosen = DIPEPTIDE if beads == "3" else MORE_BEADS
        text = {**chosen, "data": chosen["data"].format(weights=weights), "folder": md / "alanine_dipeptide"}
    else:
        mapping = "residue" if beads == "10" else f"beads:{beads}"
        text = {**CHIGNOLIN, "folder": md / "chignolin"}
    return SHARED.format(**text, mapping=mapping, name=name)


def judged(name, md):
    """Train, unless that is done, and print the table."""
    Path("runs").mkdir(exist_ok=True)
    Path(f"runs/{name}.toml").write_text(description(name, md))
    done = main(["train", f"runs/{name}.toml", "--quiet"])
    system = ("alanine_dipeptide", "") if name.startswith("dipeptide") else ("chignolin", "_heavy")
    files = [str(md / system[0] / f"{stem}{system[1]}") for stem in ("topology", "traj")]
    return done or main(["evaluate", "--cgvae", f"runs/{name}/model.pt", f"{files[0]}.pdb", f"{files[1]}.xtc"])


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(max(judged(name, Path(sys.argv[1])) for name in sys.argv[2:]))
