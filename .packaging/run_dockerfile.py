"""
Run the commands of the Dockerfile beside this script in a new virtual environment, in place of an image.

    python .packaging/run_dockerfile.py [--build-arg NAME=VALUE] [-- convert ca.pdb ca.xtc -o aa.xtc]

WORKDIR and COPY work in a temporary folder, which gets the files under version control. What follows ``--`` is given to
the entry point afterwards, in the place of CMD. The base image is the Python that runs this script.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
_WORDS = re.compile(r"^(ARG|ENV|WORKDIR|COPY|RUN|FROM|ENTRYPOINT|CMD) (.*)$")


def instructions(text):
    """The instructions of a Dockerfile of one line each: pairs of word and rest."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found = [_WORDS.match(line) for line in lines]
    if None in found:
        raise ValueError(f"{lines[found.index(None)]!r}: this script knows instructions of one line: {_WORDS.pattern}")
    return [match.groups() for match in found]


def copy_tree(folder):
    """Copy the files under version control."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def main(argv=None):
    """Run all of it; the status is that of the first command that fails, else that of the entry point."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("arguments", nargs="*")
    args = parser.parse_args(argv)
    given = dict(pair.split("=", 1) for pair in args.build_arg)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        venv.create(root / "venv", with_pip=True)
        environment = {key: os.environ[key] for key in ("HOME", "LANG", "TMPDIR") if key in os.environ}
        environment |= {key: value for key, value in os.environ.items() if key.startswith(("PIP_", "SSL_", "HTTP"))}
        environment["PATH"] = f"{root / 'venv' / 'bin'}:/usr/local/bin:/usr/bin:/bin"
        place, entry, status = root, [], 0
        for word, rest in instructions((HERE / "Dockerfile").read_text()):
            if word == "ARG":
                key, value = rest.split("=", 1)
                environment[key] = given.get(key, shlex.split(value)[0])
            elif word == "ENV":
                environment |= dict(pair.split("=", 1) for pair in shlex.split(rest))
            elif word == "WORKDIR":
                place = root / rest.lstrip("/")
                place.mkdir(parents=True, exist_ok=True)
            elif word == "COPY":
                copy_tree(place)
            elif word == "RUN":
                print(f"+ {rest}", flush=True)
                status = status or subprocess.run(["/bin/sh", "-c", rest], cwd=place, env=environment).returncode
                if status:
                    break
            elif word == "ENTRYPOINT":
                entry = json.loads(rest)
            elif word == "CMD":
                command = [*entry, *(args.arguments or json.loads(rest))]
                program = shutil.which(command[0], path=environment["PATH"]) or command[0]
                print(f"+ {shlex.join(command)}", flush=True)
                status = subprocess.run([program, *command[1:]], cwd=place, env=environment).returncode
    return status


if __name__ == "__main__":
    sys.exit(main())
