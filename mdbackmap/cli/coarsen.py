"""``mdbackmap coarsen``: an all-atom trajectory becomes a coarse one."""

import contextlib
import errno
import functools
import re
from pathlib import Path

from . import options


def check(args):
    """What is wrong with the options, or None."""
    from ..molecule.named import asks_for_beads

    if args.weights is not None and args.mapping not in (None, "ca") and asks_for_beads(args.mapping):
        return f"--weights is for groups of atoms: the bead model {args.mapping} has weights of its own"
    return options.check_frames(args)


def add_parser(verbs):
    """Declare the options of ``coarsen``."""
    parser = verbs.add_parser(
        "coarsen",
        help="make beads of an all-atom trajectory",
        description="Read an all-atom trajectory and write its beads, with a PDB of them beside it. 'convert' takes "
        "the result. By default the beads are the C-alpha atoms of a protein. Hydrogens and terminal oxygens count "
        "where a bead model says so and a file has them.",
        epilog="Examples: mdbackmap coarsen aa.pdb aa.xtc --mapping ca -o ca.xtc; mdbackmap coarsen aa.pdb aa.xtc "
        "--mapping martini3 -o cg.xtc",
    )
    options.add_input(
        parser,
        "the atoms",
        "which beads to make. Bead models of proteins: ca (C-alpha atoms; the default), ca_sc, ca_cm, com, martini3, "
        "martini22, elnedyn, martini3_ncaco, martini3_next, bb, backbone, backbone_cb, awsem, primo. Those of a file: "
        "FILE.json or FILE.json:NAME. By residues: residue, blocks:N (residues a bead). By atoms: atoms:N (atoms a "
        "bead), beads:N or graph:N (N beads), FILE.json (the atoms of each bead). Those of a model of one molecule: "
        "MODEL.pt",
    )
    parser.add_argument(
        "--weights",
        choices=("geometry", "mass"),
        help="groups of atoms lie at centres of geometry (the default) or of mass; models have weights of their own",
    )
    options.add_frames(parser)
    options.add_output(parser, "ca.xtc")
    return parser


def run(args):
    """Write the beads of each frame, and say what was written."""
    universe, atoms = options.open_universe(args)
    from ..universes.chosen import choose_frames

    chosen = choose_frames(universe.trajectory, **options.frame_range(args))
    universe.trajectory[int(chosen[0])]  # beads are looked for in a frame that is asked for
    beads, ends = find_beads(universe, atoms, args)
    output = Path(args.output)
    topology = output.with_suffix(".pdb")
    for file in {output, topology}:
        if file.is_dir():
            raise IsADirectoryError(f"{file} is a folder, expected the name of a file: give -o another name")
        if file.exists() and any(file.samefile(name) for name in (args.topology, *args.trajectory)):
            raise ValueError(f"{file} is an input: give -o another name")
        if file.exists() and not args.overwrite:
            raise FileExistsError(f"{file} exists already: give another name, or --overwrite to replace it")
    n_frames = write(beads, output, topology, chosen, ends=ends, verbose=not args.quiet)
    if not args.quiet:
        what = f"{options.count(n_frames, 'frame')} of {options.count(len(beads), 'bead')}"
        print(f"wrote {what} to {output} (topology: {topology})")


def find_beads(universe, atoms, args):
    """
    The beads as an AtomGroup, and which of them end a chain of C-alphas (None for others).

    They are C-alpha atoms, or a Universe of their own that follows the atoms frame by frame.
    """
    if args.mapping in (None, "ca"):
        import numpy as np

        from ..recognition.recognise import recognise

        indices, coarse, _ = recognise(atoms, mapping="ca", aliases=dict(args.alias) or None, closed=True)
        beads = universe.atoms[indices]
        if np.array_equal(beads.resids, coarse.resids):
            return beads, coarse.ends
        from ..molecule.mapping import Mapping
        from ..universes.coarse import coarse_universe

        # the reader of the topology has misread the numbers of residues
        return coarse_universe(beads, Mapping.identity(coarse, "ca")).atoms, coarse.ends
    from ..molecule.named import asks_for_beads, named_mapping
    from ..universes.coarse import coarse_universe
    from ..universes.whole import read_topology, selector

    if asks_for_beads(args.mapping):
        return protein_beads(atoms, args), None
    atoms = as_made(args.mapping, atoms)
    of_model = functools.partial(mapping_of_model, n_atoms=len(atoms))
    mapping = named_mapping(args.mapping, read_topology(atoms), selector(atoms), args.weights or "geometry", of_model)
    return coarse_universe(atoms, mapping).atoms, None


def protein_beads(atoms, args):
    """
    The beads of a bead model as an AtomGroup that follows the atoms.

    Variants with beads of their own keep their names, and so do modified residues.
    """
    from dataclasses import replace

    import numpy as np

    from ..chemistry.modified_residues import MODIFIED
    from ..molecule.bead_models import bead_model
    from ..molecule.named import protein_mapping
    from ..universes.coarse import coarse_universe
    from ..universes.protein import protein_atoms

    atoms, fine = protein_atoms(atoms, dict(args.alias) or None)
    fine = replace(fine, resnames=fine.l_resnames)
    mapping = protein_mapping(args.mapping, fine)
    universe = coarse_universe(atoms, mapping)
    own = np.isin(fine.variants, [*bead_model(args.mapping).residues, *MODIFIED])
    universe.residues.resnames = np.where(own, fine.variants, fine.resnames).astype(object)
    return universe.atoms


def as_made(name, atoms):
    """Of a model's file that makes the heavy atoms of a protein, `atoms` without hydrogens, which `convert` adds."""
    from ..checkpoint import load

    if not str(name).endswith(".pt") or (model := load(name)[0]).molecule is None or not model.open_ends:
        return atoms
    return atoms[[not atom.lstrip("0123456789").startswith("H") for atom in atoms.names]]


def mapping_of_model(name, n_atoms=None):
    """The mapping that a model has of its own, or None; of a cascade, to a level of so many atoms if there is one."""
    from ..checkpoint import load
    from ..completion.complete import Completion
    from ..evaluation.cascades.held_out import whole_mapping

    model = load(name)[0]
    mapping = model.molecule
    if model.open_ends and mapping is not None:
        complete = Completion(mapping).mapping  # as 'convert' writes them
        if complete.n_atoms == n_atoms:
            return complete
    if mapping is not None:
        with contextlib.suppress(ValueError):
            return whole_mapping(model, n_atoms)
    return mapping


def write(beads, output, topology, chosen, *, ends=None, verbose=False):
    """
    Write beads aside, then put both files in their places.

    Parameters
    ----------
    beads : MDAnalysis AtomGroup
        What to write.
    output, topology : Path
        The trajectory and the PDB of its first frame; one file if both are the same.
    chosen : ndarray of int, shape (F,)
        Numbers of the frames.
    ends : ndarray of bool, shape (N,), optional
        Which C-alphas end a chain; None for other beads.
    verbose : bool
        Show a progress bar.

    Returns
    -------
    int
        Number of frames written.

    Raises
    ------
    ValueError
        If a frame cannot be read, or is broken.
    OSError
        If the files cannot be written.
    """
    import MDAnalysis as mda
    from MDAnalysis.lib.log import ProgressBar

    from ..recognition.soundness import check_atoms
    from ..universes.access import read_frame
    from ..universes.frames import keep_numbers
    from ..writing.output import H5MD, H5MD_UNITS, check_format, check_written, close_hdf5

    trajectory = beads.universe.trajectory
    check_format(output, len(chosen))
    aside = output.with_name(f".{output.stem}.part{output.suffix}")
    aside_topology = output.with_name(f".{output.stem}.part.topology.pdb")
    units = H5MD_UNITS if output.suffix.lower() in H5MD else {}
    try:
        with mda.Writer(str(aside), n_atoms=len(beads), multiframe=len(chosen) > 1 or None, **units) as writer:
            for number in ProgressBar(chosen, verbose=verbose):
                keep_numbers(read_frame(trajectory, int(number)))  # not the B-factors of PDB files
                check_atoms(beads.positions[None], beads, [number], ends, beads.dimensions)
                writer.write(beads)
            close_hdf5(writer)
        check_written(aside, len(chosen))
        if topology != output:
            read_frame(trajectory, int(chosen[0]))
            beads.write(str(aside_topology))
            aside_topology.replace(topology)
        aside.replace(output)
    except (OSError, RuntimeError) as error:  # h5py raises either
        why = re.split(r" [(]|: time", " ".join(str(getattr(error, "strerror", None) or error).split()))[0]
        raise OSError(errno.EIO, f"cannot write {output}: {why} (a full disk, or a quota?); nothing is kept") from error
    finally:
        aside.unlink(missing_ok=True)
        aside_topology.unlink(missing_ok=True)
    return len(chosen)
