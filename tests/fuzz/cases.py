"""
One case: files, options, a run, and a verdict. `run_case` makes it from its seed and number alone.
"""

import contextlib
import io
import itertools
import logging
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import MDAnalysis as mda
import numpy as np

import mdbackmap
from mdbackmap import checkpoint
from mdbackmap.cli import main

from . import files, judging, molecules, options
from .molecules import chance, pick

FORMATS = {"--format", "--topology-format", "--reader-option"}
KINDS = ("convert", "convert", "convert", "convert", "check", "coarsen", "api", "api")


@dataclass
class Case:
    """
    What was made, for the report of a fault.

    Attributes
    ----------
    kind : str
    about : list of str
        The steps: files, damage, arguments.
    """

    kind: str
    about: list = field(default_factory=list)


@dataclass
class Inputs:
    """Files of a case, and what is known of them."""

    topology: Path
    trajectory: list
    n_frames: int | None  # None: unknown, as of a damaged file
    n_residues: int | None
    cut: bool = False

    @property
    def paths(self):
        """All of them, as text."""
        return [str(self.topology), *map(str, self.trajectory)]


def run_case(seed, number, folder) -> Case:
    """
    Make, run and judge a case.

    Parameters
    ----------
    seed, number : int
    folder : Path
        Empty.

    Raises
    ------
    judging.Broken
        Something that must hold does not; its `case` has what was made.
    """
    rng = np.random.default_rng([seed, number])
    case = Case(pick(rng, KINDS))
    (folder / "in").mkdir()
    (folder / "out").mkdir()
    try:
        with np.errstate(all="ignore"):
            {"convert": _convert, "check": _check, "coarsen": _coarsen, "api": _api}[case.kind](rng, folder, case)
    except judging.Broken as broken:
        broken.case = case
        raise
    except Exception as error:
        broken = judging.Broken(f"{type(error).__name__}: {error}")
        broken.case = case
        raise broken from error
    return case


def inputs(rng, folder, molecule, case) -> Inputs:
    """Write a molecule into files, one in six of them damaged."""
    n_frames = len(molecule.positions)
    ending = pick(rng, files.TOPOLOGIES)
    topology, kind = folder / f"ca.{ending}", pick(rng, files.TRAJECTORIES)
    numbers = list(range(n_frames))
    found = Inputs(topology, [], n_frames, molecule.n_residues if ending in ("pdb", "ent", "gro", "cif") else None)
    own = kind == "none" and ending not in files.HOLD_NO_POSITIONS
    files.write_topology(topology, molecule, numbers if own and ending != "pqr" else [0])
    if not own:
        _trajectories(found, folder, molecule, "xtc" if kind == "none" else kind, numbers)
    elif ending == "pqr":
        found.n_frames = 1
    case.about.append(f"{ending} + {kind}, {len(molecule.atoms)} particles, {n_frames} frames")
    if not np.isfinite(molecule.positions).all() or molecule.boxes is not None and molecule.n_residues is None:
        found.n_frames = None  # formats and readers differ in what they make of it
    if chance(rng, 0.17):
        path = pick(rng, [topology, *found.trajectory])
        done = files.damage(rng, path)
        case.about.append(f"{path.name}: {done}")
        found.n_frames, found.n_residues, found.cut = None, None, done == "cut" and path != topology
    return found


def _trajectories(found, folder, molecule, kind, numbers):
    """One file, or two that are joined; XTC where the format cannot hold these frames."""
    half = len(numbers) // 2
    parts = [numbers[:half], numbers[half:]] if kind == "joined" and half else [numbers]
    for k, part in enumerate(parts):
        path = folder / f"{k}.{'xtc' if kind == 'joined' else kind}"
        if not files.write_trajectory(path, molecule, part):
            path = path.with_suffix(".trr")
            files.write_trajectory(path, molecule, part)
        if path.exists():
            found.trajectory.append(path)
    if kind in ("h5md", "lammpstrj", "gro", "pdb"):
        found.n_frames = len(numbers)


def _command(arguments, case):
    """Run the command line in this process: exit status and stderr."""
    case.about.append("mdbackmap " + " ".join(map(str, arguments)))
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main([str(x) for x in arguments])
        except SystemExit as stop:
            status = stop.code
    case.about.append(f"status {status}: {err.getvalue().strip()[-1200:]}")
    judging.demand(status in (0, 1, 2), f"exit status {status}")
    errors = judging.messages(err.getvalue(), "--debug" in arguments)
    judging.demand((status == 0) == (not errors), f"status {status} with errors {errors}")
    return status, err.getvalue()


def _convert(rng, folder, case):
    found = inputs(rng, folder / "in", molecules.beads(rng), case)
    chosen = options.convert(rng)
    if chance(rng, 0.02):
        weights = folder / "in" / "model.pt"
        weights.write_bytes(checkpoint.find("genzprot").read_bytes())
        case.about.append(f"model.pt: {files.damage(rng, weights)}")
        chosen += ["--model", str(weights)]
    out = folder / "out"
    name = out / f"aa.{pick(rng, options.OUTPUTS if chance(rng, 0.95) else options.ODD_OUTPUTS)}"
    if chance(rng, 0.1):
        name.write_bytes(b"there before")
        chosen += ["--overwrite"] if chance(rng, 0.5) else []
    resumed = "--overwrite" not in chosen and chance(rng, 0.1)
    arguments = ["convert", *found.paths, "-o", name, *chosen, *(["--resume"] if resumed else [])]
    before = judging.snapshot(out)
    status, stderr = _command(arguments, case)
    if status:
        judging.refused(out, before, stderr)
        return
    judging.no_traces(out)
    asked = _asked(found, chosen)
    topology = _companion(name)
    kept = not ({"--select", "--sequence", "--mapping", "--model"} | FORMATS) & set(chosen)
    judging.written(topology, name, asked, found.n_residues if kept else None)
    if found.cut and asked is None and name.suffix != ".gro":
        case.about.append("cut: " + ("told" if "warning" in stderr else "not told"))
    if resumed:
        first = name.read_bytes()
        status, stderr = _command(arguments, case)
        judging.demand(status == 0 and name.read_bytes() == first, f"resuming what is complete: {status}, {stderr}")


def _companion(name):
    """The topology beside an output, which is mmCIF where PDB cannot hold the atoms; else the output itself."""
    beside = sorted(path for path in name.parent.iterdir() if path.suffix in (".pdb", ".cif"))
    return beside[0] if beside else name


def _asked(found, chosen):
    """How many frames the output has to have, where that is known."""
    if found.n_frames is None or FORMATS & set(chosen):
        return None
    words = dict(itertools.pairwise(chosen))
    numbers = range(found.n_frames)
    if "--frames" in chosen:
        n = len(words["--frames"].split(","))
    else:
        ends = [int(words[name]) if name in chosen else None for name in ("--start", "--stop", "--step")]
        n = len(numbers[slice(*ends)])
    return n * int(words.get("--n-samples", 1) if "--n-samples" in chosen else 1)


def _check(rng, folder, case):
    trace = chance(rng, 0.4)
    made = molecules.beads(rng) if trace else molecules.protein(rng)
    found = inputs(rng, folder / "in", made, case)
    chosen = options.check(rng)
    report = folder / "out" / "report.json"
    before = judging.snapshot(folder / "out")
    status, stderr = _command(["check", *found.paths, *chosen, *(["--json", report] if chance(rng, 0.5) else [])], case)
    if status:
        judging.refused(folder / "out", before, stderr)


def _coarsen(rng, folder, case):
    found = inputs(rng, folder / "in", molecules.protein(rng) if chance(rng, 0.8) else molecules.beads(rng), case)
    chosen = options.coarsen(rng)
    out = folder / "out"
    name = out / f"cg.{pick(rng, options.OUTPUTS if chance(rng, 0.95) else options.ODD_OUTPUTS)}"
    before = judging.snapshot(out)
    status, stderr = _command(["coarsen", *found.paths, "-o", name, *chosen], case)
    if status:
        judging.refused(out, before, stderr)
        return
    judging.no_traces(out)
    topology = _companion(name)
    mapped = not ({"--select", "--mapping", "--alias"} | FORMATS) & set(chosen)
    judging.written(topology, name, _asked(found, chosen), found.n_residues if mapped else None)


def _api(rng, folder, case):
    """`load_model`, then the same frames by `Backmap` and by `BackmapTrajectory`."""
    found = inputs(rng, folder / "in", molecules.beads(rng), case)
    case.about.append(f"Universe({found.paths})")
    with warnings.catch_warnings(), _silent():
        warnings.simplefilter("ignore")
        try:
            cg = mda.Universe(*found.paths)
        except Exception as error:  # not this package's
            case.about.append(f"MDAnalysis: {error}")
            return
        try:
            _in_python(rng, cg, found, folder / "out", case)
        except judging.Broken:
            raise
        except Exception as error:
            case.about.append(f"{type(error).__name__}: {error}")
            judging.documented(error)
            judging.refused(folder / "out", {}, "complete and kept")


def _in_python(rng, cg, found, out, case):
    loading, placing = options.keywords(rng, options.LOADING, 0.08), options.keywords(rng, options.PLACING, 0.1)
    case.about.append(f"load_model(**{loading}); **{placing}")
    model = mdbackmap.load_model("genzprot", cg.atoms, **loading)
    if found.n_residues is not None and not loading:
        judging.demand(model.n_beads == found.n_residues, f"{model.n_beads} beads, {found.n_residues} residues")
    sample = int(rng.integers(3))
    u = mdbackmap.backmap(cg, model, sample=sample, **placing)
    n_frames = u.trajectory.n_frames
    judging.demand(n_frames == len(cg.trajectory), f"{n_frames} frames lifted, MDAnalysis has {len(cg.trajectory)}")
    visits, atoms = [int(x) for x in rng.integers(-n_frames, n_frames, 4)], {}
    for frame in [*visits, *visits[:1]]:
        positions = u.trajectory[frame].positions.copy()
        judging.demand(np.isfinite(positions).all(), f"frame {frame} has atoms that are not finite")
        judging.demand(positions.shape == (model.n_atoms, 3), f"atoms {positions.shape}")
        known = atoms.setdefault(frame % n_frames, positions)
        judging.demand(np.abs(known - positions).max() < 0.01, f"frame {frame} has other atoms when read again")
    _all_frames(rng, cg, model, placing, out, case, atoms if sample == 0 else {})


def _all_frames(rng, cg, model, placing, out, case, atoms):
    running = options.keywords(rng, options.RUNNING, 0.12)
    name = None if chance(rng, 0.6) else out / f"aa.{pick(rng, options.OUTPUTS)}"
    n_samples = int(pick(rng, [1, 1, 2]))
    case.about.append(f"BackmapTrajectory({name}, n_samples={n_samples}).run(**{running})")
    results = mdbackmap.BackmapTrajectory(cg.atoms, model, name, n_samples=n_samples, **placing).run(**running).results
    judging.demand(
        results.n_frames == len(results.frames) > 0, f"{results.n_frames} frames, {len(results.frames)} numbers"
    )
    if name is None:
        shape = (results.n_frames, model.n_atoms, 3)
        judging.demand(results.positions.shape == shape, f"positions {results.positions.shape}, expected {shape}")
        judging.demand(np.isfinite(results.positions).all(), "atoms that are not finite")
        for frame, sample, positions in zip(results.frames, results.samples, results.positions, strict=True):
            if sample == 0 and frame in atoms:
                off = np.abs(positions - atoms[frame]).max()
                judging.demand(off < 0.01, f"frame {frame}: {off:.3f} A from what Backmap made")
    else:
        judging.no_traces(out)
        judging.written(results.topology, results.filename, results.n_frames)


@contextlib.contextmanager
def _silent():
    """Nothing on stderr; the package's log is read from there by no one."""
    logger = logging.getLogger("mdbackmap")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)
