"""``mdbackmap doctor``: what is installed, what is broken and why, and what each absent extra costs."""

import json
import os
from dataclasses import asdict
from pathlib import Path

from ..metrics.table import aligned
from .installation import ABSENT, examine, explained


def add_parser(verbs):
    """Declare the options of ``doctor``."""
    parser = verbs.add_parser(
        "doctor",
        help="look for what is wrong with the installation",
        description="Show versions, devices and threads, which extras are installed, and what each absent one costs. "
        "What is broken is explained, and the exit status is 1 then.",
    )
    parser.add_argument("--json", action="store_true", help="the same as JSON")
    return parser


def run(args):
    """Look, print, and refuse a broken installation."""
    report = examine()
    problems = problems_of(report)
    if args.json:
        print(json.dumps({**report, "packages": [asdict(found) for found in report["packages"]]}, indent=1))
    elif not args.quiet:
        print("\n".join(lines(report, args.threads)))
        print(f"{len(problems)} found" if problems else "nothing is wrong")
    if problems:
        raise RuntimeError("; ".join(problems))


def problems_of(report):
    """What is wrong, a sentence each."""
    found = [f"{package.name} {package.version} {package.problem}" for package in report["packages"] if package.problem]
    found += [f"weights of {name} cannot be read: {explained(why)}" for name, why in report["weights"].items() if why]
    with_cuda = report["device"].get("cuda") and not report["device"]["gpus"]
    if with_cuda and Path("/proc/driver/nvidia").exists():
        found.append(
            f"torch was built for CUDA {report['device']['cuda']}, and it finds no GPU although there is a driver: is "
            "the driver too old, or CUDA_VISIBLE_DEVICES empty?"
        )
    return found


def lines(report, threads):
    """
    The report as lines of text.

    Parameters
    ----------
    report : dict
        From `examine`.
    threads : int
        Of this process.

    Returns
    -------
    list of str
    """
    shown = [f"mdbackmap {report['mdbackmap']} in {report['folder']}"]
    shown += [f"Python {report['python']}, {report['system']}", f"device    {device_line(report['device'])}"]
    shown.append(f"threads   {threads} ({threads_from()})")
    shown.append(f"weights   {', '.join(report['weights'])}")
    broken = [name for name, why in report["weights"].items() if why]
    if broken:
        shown.append(f"          broken: {', '.join(broken)}")
    rows = [
        [f"  {found.name}", found.version, found.problem or "ok"] for found in report["packages"] if not found.extra
    ]
    shown += ["packages", *aligned(rows, gap="  ", left=3), "extras"]
    rows = []
    for found in (found for found in report["packages"] if found.extra):
        state = found.problem or ("ok" if found.version else f"not installed: {ABSENT[found.extra]}")
        if found.extra == "fast" and os.environ.get("MDBACKMAP_COMPILED") == "0":
            state += ", turned off by MDBACKMAP_COMPILED=0"
        rows.append([f"  [{found.extra}]", found.name, found.version or "-", state])
    shown += [line.rstrip() for line in aligned(rows, gap="  ", left=4)]
    absent = [found.extra for found in report["packages"] if found.extra and not found.version]
    return shown + ([f'to add one: pip install "mdbackmap[{absent[0]}]"'] if absent else [])


def device_line(device):
    """Which devices there are, in words."""
    if device.get("error"):
        return f"unknown, as torch cannot be imported: {explained(device['error'])}"
    if device["gpus"]:
        return "; ".join(["cpu", *device["gpus"]])
    built = f"for CUDA {device['cuda']}, and finds no GPU" if device["cuda"] else "without CUDA"
    return f"cpu; torch was built {built}"


def threads_from():
    """Where the number of threads is from, as `cli.set_threads` takes it."""
    given = (name for name in ("OMP_NUM_THREADS", "SLURM_CPUS_PER_TASK") if os.environ.get(name, "").isdigit())
    return next(given, "processors of this process")
