"""
Look at the package that this Python has installed: `python installed.py FOLDER`, run anywhere but in the source tree.

Every module is found by walking the package, and imported; data files and weights are there; all lies below FOLDER.
"""

import importlib
import pkgutil
import sys
from pathlib import Path

import mdbackmap
from mdbackmap import checkpoint, datafiles
from mdbackmap.weights.bundled import bundled


def modules():
    """Names of all modules, imported one after another; `__main__` would run the command line."""
    for found in pkgutil.walk_packages(mdbackmap.__path__, "mdbackmap.", onerror=importlib.import_module):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
            yield found.name


def main(folder):
    names = list(modules())
    assert len(names) > 100, f"only {len(names)} modules: the walk found no packages"
    for name in ["mdbackmap", *names]:
        file = Path(sys.modules[name].__file__)
        assert file.is_relative_to(folder), f"{name} is imported from {file}"
    files = [Path(getattr(datafiles, name)) for name in datafiles.__all__]
    missing = [file.name for file in files if not file.is_file()]
    assert files and not missing, f"data files that are not there: {missing}"
    weights = bundled()
    assert "genzprot" in weights, f"the bundled weights are only {list(weights)}"
    for file in weights.values():
        checkpoint.load(file)
    print(f"{len(names)} modules, {len(files)} data files, {len(weights)} weights below {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
