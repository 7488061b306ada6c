"""``mdbackmap train``: a model learns from structure packs, or from the trajectory of one molecule."""

from . import options

EXAMPLE = """\
[data]
packs = ["pack.h5"]        # files of 'mdbackmap pack'
# include = ["NMR"]        # of packs of ensembles, only these kinds or names

[model]
init = "genzprot"          # continue from these weights; without it, start from random ones

[training]
folder = "runs/proteins"   # log, curves, checkpoint and model.pt go here
epochs = 10
learning_rate = 2e-4
# minutes = 60             # at most
# device = "cuda"

[loss]
# clash = 0.1

[validation]
chains = 8                 # that structures are sampled for after each epoch
"""


CGVAE_EXAMPLE = """\
[model]
family = "cgvae"           # a model of one molecule, whatever it is
# init = "other.pt"        # continue from these weights, with their mapping
# parity = "full"          # mirrored beads give mirrored atoms (four beads and more); default "chiral"

[data]
topology = "aa.pdb"        # all atoms of the molecule
trajectory = ["aa.xtc"]
# select = "protein"       # only these atoms
# frames = "::2"           # start:stop:step
# runs = [1000, 1000]      # frames of each run in the files; without it, each file is one run
# hold_out = [1]           # hold out these runs; without it, every fifth block of 50 frames
mapping = "residue"        # or "blocks:2", "atoms:5", "beads:6", "graph:6", "learned:6", "ca", "beads.json",
                           # ["resid 1:5", "resid 6:10", "resid 11:15"]
# weights = "mass"         # beads at centres of mass, not of geometry

[training]
folder = "runs/mine"       # log, curves, checkpoint and model.pt go here
epochs = 200
# minutes = 60             # at most

[loss]
# kl = 0.05                # smaller: sharper atoms, samples that vary more
# graph = 25.0             # bonded distances
# samples = 25.0           # the same of samples from the prior; without it, as graph
"""
CASCADE_EXAMPLE = """\
[model]
family = "chain"           # from ultra-coarse beads to atoms in steps, each trained alone

[data]
topology = "aa.pdb"        # all atoms of a protein, or its C-alpha trace
trajectory = ["aa.xtc"]
# runs, frames, hold_out, block, gap and share as for a model of one molecule
valid = 0.1                # share of the frames that chooses the weights, apart from those held out

[training]                 # of all steps; [steps.training] after a step overrules it
folder = "runs/chain"      # model.pt goes here, the steps' own files into step-1, step-2, ...
epochs = 200
noise = 1.0                # angstrom, on the beads in training, like the errors of the step before
# recompute = true         # a third of the memory, 1.5 times the time, the same weights

[validation]
best_by = "sample_rmsd"

[[steps]]                  # from the coarsest on; each mapping is one of the beads of the step after it
mapping = "beads:5"        # or "blocks:4", "learned:5", ["resid 1:8", "resid 9:20"], ...; fewer than the next step's

[[steps]]
mapping = "blocks:2"       # here of the C-alphas, since the last step is for any protein
[steps.loss]
graph = 2.0                # less than for atoms: C-alphas are brought to their distances afterwards

[[steps]]
init = "genzprot"          # a trained model: a bundled one, or a file
# [steps.training]         # train it on the same frames, for the rotamers of this protein
# epochs = 6

# [baseline]               # also train a single step from the same beads to the same atoms (one-step.pt)
"""
EXAMPLES = {"genzprot": EXAMPLE, "cgvae": CGVAE_EXAMPLE, "chain": CASCADE_EXAMPLE}


def add_parser(verbs):
    """Declare the options of ``train``."""
    parser = verbs.add_parser(
        "train",
        help="train a model, from random weights or from those of another",
        description="Train as a TOML file says. Started again, a run goes on where it was stopped. Its folder gets the "
        "log, curves, and model.pt, which 'convert --model' takes.",
        epilog="Start with: mdbackmap train --example > train.toml, or for a model of your own molecule: mdbackmap "
        "train --example cgvae > cgvae.toml",
    )
    parser.add_argument("config", nargs="?", help="TOML file that describes the run")
    parser.add_argument(
        "--example",
        nargs="?",
        const="genzprot",
        choices=list(EXAMPLES),
        metavar="FAMILY",
        help="print such a file: genzprot (the default), cgvae or chain",
    )
    parser.add_argument(
        "--threads", type=options.positive, metavar="N", help="threads of torch (default: those of the machine)"
    )
    parser.set_defaults(check=check, after_interrupt="; the same command goes on from the last checkpoint")
    return parser


def check(args):
    """What is wrong with the options, or None."""
    if (args.config is None) == (args.example is None):
        return "expected one TOML file, or --example"
    return None


def run(args):
    """Train, and say where the model is and how good it is."""
    if args.example:
        print(EXAMPLES[args.example], end="")
        return
    from ..training import runs

    model, row = runs.run(args.config, verbose=not args.quiet, threads=args.threads)
    if not args.quiet:
        folder = runs.read(args.config).training.folder
        parts = f"weights after epoch {row['epoch']} of {folder}/log.csv" if "epoch" in row else repr(model)
        print(f"wrote {folder}/model.pt: {parts}")
        for name in row:
            if name.startswith(("valid_", "sample_", "T")) or "_valid_" in name or "_sample_" in name:
                print(f"  {name:<22} {row[name]:.4g}")
