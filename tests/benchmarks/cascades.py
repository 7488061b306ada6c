"""
Cascades beside single steps on trp-cage, BBA, chignolin, protein G and alpha-synuclein: trained, judged, drawn.

    python tests/benchmarks/cascades.py DATA OUT [system ...]

DATA holds ``md/trpcage`` and so on, ``cg/go_proteing``, ``cg/asyn_calvados2``. A finished run in OUT is not repeated.
The table at the end, of docs/steps.md, has a row for each model: one step, two steps, two steps with the last tuned.
"""

import json
import sys
from pathlib import Path

from mdbackmap.cli import main

SYSTEMS = {  # folder, files, runs, block, gap, frames, epochs of a step and of tuning, beads
    "trpcage": ("md/trpcage", "_heavy", [150, 150], 15, 3, "", 100, 15, (10, 7, 5, 3)),
    "bba": ("md/bba", "_heavy", [100, 100], 10, 2, "", 140, 15, (14, 9, 7, 4)),
    "chignolin": ("md/chignolin", "_heavy", [950, 1000, 1000, 1090], 40, 8, "::2", 16, 5, (5, 4, 3)),
    "go": ("cg/go_proteing", "", [], 25, 5, "", 40, 0, (28, 19, 10, 5)),
    "asyn": ("cg/asyn_calvados2", "", [], 25, 5, "", 25, 0, (70, 35, 14, 7)),
}
THREE = {"trpcage": (5, 10), "go": (5, 19)}  # beads of the first step, and of the model that is the second
STEP = """[steps.model]
n_features = 32
n_channels = 8
n_neighbours = 4
[steps.loss]
kl = 0.1
graph = 2.0
"""
BASELINE = """[baseline.model]
n_features = 32
n_channels = 8
n_neighbours = 4
[baseline.loss]
kl = 0.1
graph = 10.0
[baseline.training]
noise = 0.0
"""


COLUMNS = {  # heading, decimals, what
    "heavy RMSD (A)": (2, "rmsd"),
    "C-alpha RMSD (A)": (2, "rmsd_ca"),
    "GED (%)": (2, "ged"),
    "clashes": (0, "clashscore"),
    "Ramachandran favoured (%)": (0, "rama_favoured"),
    "secondary structure (%)": (0, "ss"),
    "CA-CA 3.6-4.0 A (%)": (1, "ca_bonds"),
    "MB": (0, "memory_recomputed_mb"),
}
KINDS = {"one step": "{}:one-step", "two steps": "{}", "two steps, tuned": "{}-tuned"}  # models in the JSON file


def describe(data, folder, system, steps):
    """A TOML file without its steps' details: `steps` is text."""
    where, suffix, runs, block, gap, frames, epochs, *_ = SYSTEMS[system]
    base = data / where
    fine = 'fine = "ca"\n' if runs else ""
    return (
        f'[model]\nfamily = "chain"\n[data]\ntopology = "{base}/topology{suffix}.pdb"\n'
        f'trajectory = ["{base}/traj{suffix}.xtc"]\nblock = {block}\ngap = {gap}\nshare = 0.2\nvalid = 0.1\n'
        + (f"runs = {runs}\n" if runs else "")
        + (f'frames = "{frames}"\n' if frames else "")
        + fine
        + f'[training]\nfolder = "{folder}"\nepochs = {epochs}\nbatch_size = 32\nlearning_rate = 6e-3\n'
        + "noise = 1.0\nrecompute = true\n"
        + f'[validation]\nevery = {3 if frames else 10}\nbest_by = "sample_rmsd"\n{steps}'
    )


def train(data, out, system, name, steps):
    """One run, unless it is there."""
    folder = out / f"{system}-{name}"
    if not (folder / "model.pt").exists():
        path = out / f"{system}-{name}.toml"
        path.write_text(describe(data, folder, system, steps))
        if main(["train", str(path), "--quiet"]):
            sys.exit(f"{path} cannot be trained")
    return folder


def run(data, out, system):
    """Train and judge all models of a system."""
    where, suffix, runs, *_, tuning, beads = SYSTEMS[system]
    last, models, tuned = '[[steps]]\ninit = "genzprot"\n', [], None
    for n in beads:
        first = f'[[steps]]\nmapping = "beads:{n}"\n{STEP}'
        single = BASELINE if runs else ""
        folder = train(data, out, system, n, first + last + single)
        models += [folder / "model.pt", *([folder / "one-step.pt"] if runs else [])]
        if tuning:
            step = f'[[steps]]\ninit = "{folder}/step-1/model.pt"\n'
            own = f'[[steps]]\ninit = "{tuned}"\n' if tuned else f"{last}[steps.training]\nepochs = {tuning}\n"
            folder = train(data, out, system, f"{n}-tuned", step + own)
            tuned = tuned or folder / "step-2" / "model.pt"
            models.append(folder / "model.pt")
    if system in THREE:
        n, middle = THREE[system]
        steps = f'[[steps]]\nmapping = "beads:{n}"\n{STEP}[[steps]]\ninit = "{out}/{system}-{middle}/step-1/model.pt"\n'
        models.append(train(data, out, system, f"{n}-{middle}", steps + last) / "model.pt")
    models = [part for model in models for part in ("--chain", str(model))]
    files = [str(data / where / f"{kind}{suffix}.{end}") for kind, end in (("topology", "pdb"), ("traj", "xtc"))]
    rest = ["--elbo", "--n-samples", "1", "--json", str(out / f"{system}.json"), "--plots", str(out / system)]
    return main(["evaluate", *models, *files, *rest])


def table(out, systems):
    """Lines of the table, at T = 0."""
    lines = ["| molecule | beads | model | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 3) + "|"]
    for system in systems:
        models = json.loads((out / f"{system}.json").read_text())["models"]
        for n in SYSTEMS[system][-1]:
            for kind, name in KINDS.items():
                lines += _line(f"{system} | {n} | {kind}", models, name.format(f"{system}-{n}"))
        if system in THREE:
            n, middle = THREE[system]
            lines += _line(f"{system} | {n}, {middle} | three steps", models, f"{system}-{n}-{middle}")
    return "\n".join(lines)


def _line(title, models, name):
    """The row of one model, in a list; none if it was not judged."""
    if f"{name} T=0" not in models:
        return []
    mean = models[f"{name} T=0"]["mean"]
    values = [(mean.get(key), decimals) for decimals, key in COLUMNS.values()]
    cells = ["" if value is None else f"{value:.{decimals}f}" for value, decimals in values]
    return [f"| {title} | " + " | ".join(cells) + " |"]


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    data, out = (Path(name).resolve() for name in sys.argv[1:3])
    out.mkdir(parents=True, exist_ok=True)
    chosen = sys.argv[3:] or list(SYSTEMS)
    failed = max(run(data, out, system) for system in chosen)
    print(table(out, chosen))
    sys.exit(failed)
