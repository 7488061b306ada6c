"""Checks of the options that decide where atoms are, for `Backmapper.sample`, `Backmap` and `BackmapTrajectory`."""

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
    return {
        "seed": whole_number("seed", seed),
        "temperature": number("temperature", temperature),
        "correlation_time": number("correlation_time", correlation_time),
        **placing_options(bead_tolerance, mirror),
    }


def whole_number(name, value, least=0) -> int:
    """
    An option that has to be an integer of `least` or more.

    Raises
    ------
    ValueError
        If it is not.

    Examples
    --------
    >>> whole_number("seed", 3.0)
    3
    """
    try:
        found = int(value) if value == int(value) and not isinstance(value, (str, bool)) else None
    except (TypeError, ValueError, OverflowError):
        found = None
    if found is None or found < least:
        value = value.item() if hasattr(value, "item") else value
        raise ValueError(f"{name}={value!r}: expected an integer of {least} or more")
    return found


def number(name, value) -> float:
    """
    An option that has to be a finite number of 0 or more.

    Raises
    ------
    ValueError
        If it is not.

    Examples
    --------
    >>> number("temperature", 1)
    1.0
    """
    try:
        found = math.nan if isinstance(value, (str, bool)) else float(value)
    except (TypeError, ValueError):
        found = math.nan
    if not 0 <= found < math.inf:
        raise ValueError(f"{name}={value!r}: expected a number of 0 or more")
    return found


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
        tolerance = float(bead_tolerance)
    except (TypeError, ValueError):
        tolerance = math.nan
    if not 0 <= tolerance < math.inf:
        raise ValueError(f'bead_tolerance={bead_tolerance!r}: expected "auto", or angstroms: 0 (beads kept) or more')
    return {"bead_tolerance": tolerance, "mirror": mirror}


def check_atoms(atoms):
    """
    Refuse what holds no atoms.

    Raises
    ------
    TypeError
        With what was given.

    Examples
    --------
    >>> check_atoms("ca.pdb")
    Traceback (most recent call last):
    TypeError: atoms='ca.pdb': expected an AtomGroup or a Universe of MDAnalysis
    """
    if not hasattr(atoms, "atoms"):
        raise TypeError(f"atoms={atoms!r:.60}: expected an AtomGroup or a Universe of MDAnalysis")


def check_backmapper(model):
    """
    Refuse what is no `Backmapper`.

    Raises
    ------
    TypeError
        With what was given, and where to get one.

    Examples
    --------
    >>> check_backmapper("genzprot")
    Traceback (most recent call last):
    TypeError: model='genzprot': expected a Backmapper, as load_model("genzprot", cg.atoms) gives it
    """
    if not hasattr(model, "mapping"):
        raise TypeError(f'model={model!r:.60}: expected a Backmapper, as load_model("genzprot", cg.atoms) gives it')
