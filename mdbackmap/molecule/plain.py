"""A `Mapping` as plain values - dicts, lists, strings and numbers - and back, for checkpoints and JSON."""

from __future__ import annotations

import dataclasses

from .mapping import Mapping
from .topology import Topology

_FIELDS = dataclasses.fields(Topology)
_TRIPLES = ("beads", "atoms", "weights", "bead_of_atom")


def to_plain(mapping) -> dict:
    """
    All of a mapping and its two topologies.

    Examples
    --------
    >>> coarse = Topology(["CA"], [""], [0], ["GLY"], [1], [""], ["A"], [""])
    >>> plain = to_plain(Mapping.ca(coarse))
    >>> from_plain(plain)
    Mapping(ca: 1 beads -> 4 atoms; 1 residues, A 1)
    """
    topologies = {
        side: {field.name: getattr(getattr(mapping, side), field.name).tolist() for field in _FIELDS}
        for side in ("coarse", "fine")
    }
    return {"name": mapping.name, **topologies, **{name: getattr(mapping, name).tolist() for name in _TRIPLES}}


def from_plain(plain) -> Mapping:
    """
    The mapping that `to_plain` wrote, now or before topologies had `variants` and what follows.

    Raises
    ------
    ValueError
        Something else.
    """
    try:
        coarse, fine = (Topology(**plain[side]) for side in ("coarse", "fine"))
        return Mapping(coarse, fine, str(plain["name"]), *(plain[name] for name in _TRIPLES))
    except (KeyError, TypeError) as error:
        raise ValueError(f"no mapping: {type(error).__name__} {error}") from error
