"""What an output depends on: the provenance of a conversion, in two levels."""

from __future__ import annotations

import hashlib
import os

from .. import __version__
from ..commit import commit


def origin(model, asked, files, chosen, first_beads) -> dict:
    """
    The provenance of an output, as it is stored with it.

    Parameters
    ----------
    model : Backmapper
    asked : dict
        Options of the conversion, plain values.
    files : list of str
        That are read.
    chosen : ndarray of int, shape (F,)
        Numbers of the frames.
    first_beads : ndarray of float, shape (N, 3)
        Of the first of them.

    Returns
    -------
    dict of dict
        ``conversion``: what was asked for, input, version and commit of the code; ``model``: what is known of the
        weights. JSON-able, and the same whenever the same is asked for.

    Examples
    --------
    >>> origin(model, {"seed": 0}, ["ca.pdb"], chosen, beads)["conversion"]["seed"]  # doctest: +SKIP
    0
    """
    known = commit()
    conversion = {
        "creator": "mdbackmap",
        "version": __version__,
        **({} if known is None else {"commit": known}),
        "input": [os.path.basename(name) for name in files],
        "frames": {
            "number": len(chosen),
            "first": int(chosen[0]),
            "last": int(chosen[-1]),
            "sha256": _digest(chosen.astype("<i8").tobytes()),
        },
        **asked,
        "n_atoms": model.n_atoms,
        "topology_sha256": _topology_digest(model.topology),
        "first_beads_sha256": _digest(first_beads.tobytes()),
    }
    return {"conversion": conversion, "model": dict(model.provenance)}


def _digest(content) -> str:
    """A short hash of bytes."""
    return hashlib.sha256(content).hexdigest()[:16]


def _topology_digest(topology):
    """A short hash of names, residues and chain ends: other residues of as many atoms are another output."""
    residues = zip(topology.resnames, topology.resids, topology.chainIDs, topology.ends, strict=True)
    text = "\n".join([*map(str, topology.names), *(f"{a} {b} {c} {bool(d)}" for a, b, c, d in residues)])
    return _digest(text.encode())
