"""``python -m fuzz``: many cases, and what was found."""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from . import judging, running


def main():
    """Run, print the faults, and end with 1 if there are any."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=2000, help="how many (default: 2000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--case", type=int, help="run this one, say what it is, and keep its files")
    parser.add_argument("--json", type=Path, help="write what was found to this file")
    parser.add_argument("--state", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.case is not None:
        return _one(args.seed, args.case)
    if args.state is not None:
        return _chunk(args)
    report = running.run_apart(args.seed, args.first, args.cases, tell=lambda text: print(text, file=sys.stderr))
    if args.json:
        args.json.write_text(json.dumps(asdict(report), indent=1))
    for fault in report.faults:
        print(f"case {fault['number']}: {fault['what']}")
        print("".join(f"    {line}\n" for line in fault["about"]))
    for kind, count in sorted(report.kinds.items()):
        print(f"{count:6d} {kind}")
    print(
        f"{sum(report.kinds.values())} cases in {report.seconds:.0f} s, {len(report.faults)} faults (seed {args.seed})"
    )
    return int(bool(report.faults))


def _chunk(args):
    """Cases in this process, with the state on disk, for the process that started this one."""

    def write(number, report):
        args.state.write_text(json.dumps({"number": number, "report": asdict(report)}))

    write(None, running.run_range(args.seed, range(args.first, args.first + args.cases), write))
    return 0


def _one(seed, number):
    folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{seed}-{number}-"))
    print(f"files: {folder}")
    try:
        case, what = running.run_one(seed, number, folder), "sound"
    except judging.Broken as broken:
        case, what = broken.case, f"fault: {broken}"
        if broken.__cause__ is not None:
            import traceback

            traceback.print_exception(broken.__cause__)
    print("\n".join(case.about), what, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
