"""
Limits that a single structure has to keep, and what it says where it does not.

They are wide: all native structures of the benchmark keep them, and what does not is broken somewhere. Means over many
structures say how good these are.
"""

import math

from .table import LABELS, number

# Least or most that a structure may have, with the units of `LABELS`. All are chosen by hand; measured: in brackets the
# worst of 85 crystals, and of the same chains generated at T = 1.
LIMITS = {
    "bonds": ("least", 99.0),  # percent; chosen: by hand (99.6, 100)
    "angles": ("least", 95.0),  # percent; chosen: by hand (98.8, 98.6)
    "contacts": ("most", 1.0),  # percent; chosen: by hand (0.6, 0)
    "clashscore": ("most", 100.0),  # a thousand heavy atoms; chosen: by hand (71, 39)
    "clashscore_all": ("most", 150.0),  # a thousand atoms; chosen: by hand, as no one has measured more than 100
    "pierced": ("most", 0.0),  # rings; chosen: by hand (0, 0)
    "rama_outliers": ("most", 40.0),  # percent; chosen: by hand (25, 16)
    "twisted": ("most", 5.0),  # percent; chosen: by hand (0.8, 0)
    "mirrored_ca": ("most", 0.0),  # percent; chosen: by hand (0, 0)
    "mirrored_cb": ("most", 0.0),  # percent; chosen: by hand (0, 0)
}


def beyond(row) -> list[str]:
    """
    Which limits a structure does not keep, in words.

    Parameters
    ----------
    row : dict of str to float
        From `protocol.geometry`, of one structure. What it lacks or is NaN keeps its limit.

    Returns
    -------
    list of str

    Examples
    --------
    >>> beyond({"bonds": 97.25, "twisted": 0.0, "pierced": 2.0})
    ['bonds within 10%: 97.25 % (at least 99)', 'rings pierced by a bond: 2.00 (at most 0)']
    """
    found = []
    for name, (side, limit) in LIMITS.items():
        value = row.get(name, math.nan)
        if value < limit if side == "least" else value > limit:
            words, unit, decimals, _ = LABELS[name]
            found.append(f"{words}: {' '.join([number(value, decimals), *unit.split()])} (at {side} {limit:g})")
    return found
