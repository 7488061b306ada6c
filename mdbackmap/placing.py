"""
The options that decide where atoms are, checked: what `Backmapper.sample`, `Backmap` and `BackmapTrajectory` share.
"""

import math


def sampling_options(seed, temperature, correlation_time, bead_tolerance, mirror) -> dict:
    """
    The options of `Backmapper.sample` that decide where the atoms are, as plain values.

    Raises
    ------
    ValueError
        A negative seed, temperature or correlation time, or what `placing_options` refuses.

    Examples
    --------
    >>> sampling_options(1, 1, 0, "auto", "error")["temperature"]
    1.0
    """
    for name, value in (("temperature", temperature), ("correlation_time", correlation_time)):
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name}={value}: expected a number of 0 or more")
    if not hasattr(seed, "__index__") or seed < 0:
        raise ValueError(f"seed={seed!r}: expected an integer of 0 or more")
    return {
        "seed": int(seed),
        "temperature": float(temperature),
        "correlation_time": float(correlation_time),
        **placing_options(bead_tolerance, mirror),
    }


def placing_options(bead_tolerance, mirror) -> dict:
    """
    The two options that say how beads are treated, as plain values.

    Raises
    ------
    ValueError
        A tolerance that is neither "auto" nor a number of 0 or more, or no such way to treat mirror images.

    Examples
    --------
    >>> placing_options(1, "fix")
    {'bead_tolerance': 1.0, 'mirror': 'fix'}
    """
    if mirror not in ("error", "fix", "ignore"):
        raise ValueError(f'mirror={mirror!r}: expected "error", "fix" (reflect mirror images) or "ignore"')
    if bead_tolerance == "auto":
        return {"bead_tolerance": "auto", "mirror": mirror}
    try:
        number = float(bead_tolerance)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number < math.inf:
        raise ValueError(f'bead_tolerance={bead_tolerance!r}: expected "auto", or angstroms: 0 (beads kept) or more')
    return {"bead_tolerance": number, "mirror": mirror}
