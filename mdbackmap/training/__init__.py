"""
Training: structure packs in, weights out, and the protocol by which they are judged.

=========== ================================================================================
name        what it is
=========== ================================================================================
train       model + data + configuration -> trained model
run         the same from a TOML file (`mdbackmap train train.toml`)
Structures  chains of structure packs in memory
pack        PDB and mmCIF files, MD -> structure pack (`mdbackmap pack`)
=========== ================================================================================

Only packing reads MDAnalysis, and only training loads torch; nothing is loaded before it is used.
"""

from importlib import import_module

_HOME = {"train": "training.loop", "run": "training.runs", "Structures": "data.structures", "pack": "data.packs"}

__all__ = [*_HOME]


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"mdbackmap.{_HOME[name]}"), name)
