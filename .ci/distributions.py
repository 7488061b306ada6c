"""
Compare what was built with the source tree: `python .ci/distributions.py SDIST WHEEL_OF_SDIST WHEEL_OF_TREE`.

Both wheels hold the same files, every file of `mdbackmap/` and `datafiles/` among them, and the source distribution
holds every file that is under version control (or, in a tree without git, of the whole tree but for hidden folders).
"""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def tracked():
    """Paths of the files that belong to the project, relative to its root."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0:
        return {name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()}
    files = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {str(path) for path in files if not path.parts[0].startswith(".") and ".egg-info" not in str(path)}


def in_sdist(path):
    with tarfile.open(path) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def in_wheel(path):
    return {name for name in zipfile.ZipFile(path).namelist() if ".dist-info/" not in name}


def as_installed(names):
    """Where a wheel puts the files of `mdbackmap/` and `datafiles/`."""
    yield from (name for name in names if name.startswith("mdbackmap/"))
    yield from (f"mdbackmap/{name}" for name in names if name.startswith("datafiles/"))


def refuse(names, words):
    if names:
        sys.exit(f"{words}: {', '.join(sorted(names)[:10])} ({len(names)} in all)")


def main(sdist, of_sdist, of_tree):
    source, files, other = in_sdist(sdist), in_wheel(of_sdist), in_wheel(of_tree)
    names = tracked()
    refuse(files ^ other, "not in both the wheel of the source distribution and that of the tree")
    refuse(names - source, "not in the source distribution")
    refuse(set(as_installed(names)) - files, "not in the wheel")
    refuse(files - set(as_installed(names)), "in the wheel, but not under version control")
    print(f"{len(names)} files under version control, {len(source)} entries in the sdist, {len(files)} in both wheels")


if __name__ == "__main__":
    main(*sys.argv[1:])
