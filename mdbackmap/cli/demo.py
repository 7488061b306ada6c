"""``mdbackmap demo``: the whole way on a bundled trajectory, with a report on the atoms and a picture of them."""

import logging
import time
from pathlib import Path

from ..datafiles import GO_PDB, GO_XTC
from . import options, values

logger = logging.getLogger(__name__)

MAX_JUDGED = 100  # frames that are read back and judged
REPORT = (
    ("bonds", "bonds within 10% of ideal", "%"),
    ("angles", "angles within 10 degrees of ideal", "%"),
    ("rama_favoured", "Ramachandran favoured", "%"),
    ("rama_outliers", "Ramachandran outliers", "%"),
    ("rotamer_favoured", "side chains in favoured rotamers", "%"),
    ("clashscore", "clashes per 1000 heavy atoms", ""),
    ("twisted", "twisted peptides", "%"),
    ("mirrored_ca", "D-amino acids", "%"),
)


def add_parser(verbs):
    """Declare the options of ``demo``."""
    parser = verbs.add_parser(
        "demo",
        help="backmap a bundled trajectory and look at the result",
        description="Backmap a coarse trajectory that comes with the package, say how good the atoms are, and draw "
        "them. It is a Go model of protein G that folds and unfolds. Needs no network access.",
    )
    parser.add_argument(
        "-o",
        "--output",
        default="mdbackmap-demo",
        metavar="DIR",
        help="folder for the files, which are replaced if they exist (default: %(default)s)",
    )
    parser.add_argument("--seed", type=values.natural, default=0, help="same seed, same atoms (default: 0)")
    parser.add_argument("--threads", **options.COUNT, help="processor threads")
    return parser


def run(args):
    """Convert, read back, judge and draw."""
    import MDAnalysis as mda

    folder = Path(args.output)
    folder.mkdir(parents=True, exist_ok=True)
    cg = mda.Universe(str(GO_PDB), str(GO_XTC))
    model, rate = convert(cg, folder / "aa.xtc", args)
    written = mda.Universe(str(folder / "aa.pdb"), str(folder / "aa.xtc"))
    judgement, n_judged = judge(model.mapping, written, cg)
    picture = draw(model.mapping, written, cg, folder / "beads-and-atoms.png")
    if not args.quiet:
        print(f"read      {cg.trajectory.n_frames} frames of {model.n_beads} beads from {GO_XTC}")
        print(f"wrote     {written.trajectory.n_frames} frames of {written.atoms.n_atoms} atoms to {folder / 'aa.xtc'}")
        print(f"topology  {folder / 'aa.pdb'}\npicture   {picture}")
        print(f"speed     {rate:.3g} frames/s (read, generated, written), {options.count(args.threads, 'thread')}")
        print(f"\nHow good the atoms are ({n_judged} frames, read back from the file):")
        print("\n".join(f"  {what:<36} {value:>7} {unit}".rstrip() for what, value, unit in judgement))


def convert(cg, filename, args):
    """Write the atoms of all frames; the model, and frames a second. Nobody waits here for loops to be compiled."""
    from .. import BackmapTrajectory, load_model
    from ..geometry.compiling import as_kept

    with as_kept() as kept:
        model = load_model("genzprot", cg.atoms, threads=args.threads)
        if not kept():
            logger.info("loops are not compiled yet: the first conversion does it, once, in up to a minute")
        began = time.perf_counter()
        analysis = BackmapTrajectory(cg.atoms, model, filename=str(filename), seed=args.seed, overwrite=True)
        analysis.run(verbose=not args.quiet)
    return model, cg.trajectory.n_frames / (time.perf_counter() - began)


def judge(mapping, written, cg):
    """
    Judge the written atoms frame by frame against geometry and against the beads they were made from.

    Parameters
    ----------
    mapping : Mapping
    written, cg : MDAnalysis Universe
        The atoms read back, and the beads; as many frames.

    Returns
    -------
    rows : list of (str, str, str)
        What, its value, its unit.
    n_judged : int
        Number of frames looked at, evenly spaced.
    """
    import numpy as np

    from ..chemistry.peptide_geometry import TRANS_BRIDGED
    from ..metrics.dihedrals import atom14
    from ..metrics.protocol import evaluate_geometry

    step = -(-written.trajectory.n_frames // MAX_JUDGED)
    atoms = np.array([written.atoms.positions for _ in written.trajectory[::step]])
    beads = np.array([cg.atoms.positions for _ in cg.trajectory[::step]])
    moved = np.abs(mapping.project(atoms) - beads).max()
    distances = np.linalg.norm(np.diff(beads, axis=1), axis=-1)[:, ~mapping.coarse.ends[:-1]]
    low, high = TRANS_BRIDGED
    usual = 100 * ((distances >= low) & (distances <= high)).mean()
    values = evaluate_geometry(*atom14(mapping.fine, atoms), mapping.fine.types, mapping.fine.ends)
    rows = [("largest shift of a bead (coordinate)", f"{moved:.3f}", "A")]
    rows += [(what, f"{values[key]:.1f}", unit) for key, what, unit in REPORT]
    return [*rows, (f"input: CA-CA distances of {low:.2f}-{high:.2f} A", f"{usual:.1f}", "%")], len(atoms)


def draw(mapping, written, cg, filename):
    """
    Draw the frame whose beads are most compact.

    Parameters
    ----------
    mapping : Mapping
    written, cg : MDAnalysis Universe
        Atoms and beads, of as many frames.
    filename : Path

    Returns
    -------
    Path
        The same.
    """
    import numpy as np

    from ..evaluation.picture import beads_and_atoms

    size = [np.ptp(cg.atoms.positions, axis=0).prod() for _ in cg.trajectory]
    frame = int(np.argmin(size))
    cg.trajectory[frame], written.trajectory[frame]
    title = f"Go model of protein G, frame {frame}: from beads to atoms with mdbackmap"
    beads_and_atoms(mapping, cg.atoms.positions, written.atoms.positions, filename, title=title)
    return filename
