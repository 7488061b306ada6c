"""
The way of a frame's positions through the package while it is sampled.

    python tests/benchmarks/stays.py

Functions that take positions are noted when they are first called. *Stays* are the changes along that list, *returns*
those to a place that was left before. Places are modules, and rooms without those that only calculate (`geometry`,
`torsions`). *Climbs* are calls, with positions, of a module that imports the caller's, at whatever distance. *Builds*
are the times that atoms are built from angles. One frame of the bundled Go model, temperature 1, relaxed by 0.5 A.
"""

import ast
import sys
from pathlib import Path

import MDAnalysis as mda
import torch

import mdbackmap
from mdbackmap.checkpoint import load
from mdbackmap.datafiles import GO_PDB, GO_XTC
from mdbackmap.generation.bound import bind
from mdbackmap.generation.noise import Noise
from mdbackmap.options import Keys, Tolerance

ROOT = Path(mdbackmap.__file__).parent
CALCULATE = {"geometry", "torsions"}


def has_positions(value, n_residues):
    """Whether a value is positions of a frame, or holds some: points in space of residues."""
    if torch.is_tensor(value):
        return value.is_floating_point() and value.shape[-1:] == (3,) and n_residues in value.shape[1:-1]
    if isinstance(value, (tuple, list)):
        return any(has_positions(item, n_residues) for item in value)
    if type(value).__module__.startswith("mdbackmap") and hasattr(value, "__dict__"):
        return any(has_positions(item, n_residues) for item in vars(value).values() if torch.is_tensor(item))
    return False


def module_of(code):
    """The module that code is of, without the package; None outside of it."""
    path = Path(code.co_filename)
    return ".".join(path.relative_to(ROOT).with_suffix("").parts) if path.is_relative_to(ROOT) else None


def walk(function, n_residues):
    """Modules that positions come to, calls of one module by another, and how often atoms are built."""
    known, modules, calls, builds = set(), [], [], []

    def note(frame, event, value):
        code, module = frame.f_code, module_of(frame.f_code) if event == "call" else None
        if module is None or code.co_name.startswith("<"):
            return
        if code.co_name == "to_cartesian":
            builds.append(module)
        if any(has_positions(value, n_residues) for value in frame.f_locals.values()):
            modules.extend([] if code in known else [module])
            known.add(code)
            caller = frame.f_back
            while caller and (module_of(caller.f_code) is None or caller.f_code.co_name == "exact"):
                caller = caller.f_back
            calls.append((caller and module_of(caller.f_code), module))

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return modules, sorted({(one, other) for one, other in calls if one and one != other}), len(builds)


def imports(name):
    """Modules of the package that a module imports."""
    path = ROOT.joinpath(*name.split(".")).with_suffix(".py")
    package, targets = ("mdbackmap", *name.split(".")[:-1]), set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
            targets |= {target.removeprefix("mdbackmap.") for target in names}
    return {target for target in targets if ROOT.joinpath(*target.split(".")).with_suffix(".py").is_file()}


def below(name):
    """All modules that a module imports, at whatever distance."""
    reached, left = set(), [name]
    while left:
        for target in imports(left.pop()) - reached:
            reached.add(target)
            left.append(target)
    return reached


def without_repeats(places):
    """The places, each once as long as one stays there."""
    return [place for place, before in zip(places, [None, *places], strict=False) if place != before]


def counts(places):
    """Stays, places and returns of a way."""
    returns = sum(place in places[: k - 1] for k, place in enumerate(places) if k > 1)
    return {"stays": len(places), "places": len(set(places)), "returns": returns}


def sampling(temperature, limit):
    """A function that samples one frame, and the number of its residues."""
    cg = mda.Universe(GO_PDB, GO_XTC)
    model, beads = load("genzprot")[0], torch.tensor(cg.atoms.positions)[None]
    bound = bind(model, model.mapping(mdbackmap.load_model("genzprot", cg.atoms).mapping.coarse))
    given = beads, Noise(temperature=temperature), Keys.first(1)
    return lambda: bound.sample(*given, tolerance=Tolerance(limit)), beads.shape[1]


def main():
    function, n_residues = sampling(1.0, 0.5)
    with torch.inference_mode():
        function()  # what is made once is made
        modules, calls, builds = walk(function, n_residues)
    rooms = [name.split(".")[0] for name in modules]
    for way in (modules, [room for room in rooms if room not in CALCULATE]):
        way = without_repeats(way)
        print(" > ".join(way), counts(way), sep="\n")
    print("climbs:", [call for call in calls if call[0] in below(call[1])], "builds:", builds)


if __name__ == "__main__":
    main()
