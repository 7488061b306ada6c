"""Checks that all front doors share: of single arguments, and of packages that an option needs."""

import math
from importlib.util import find_spec

import numpy as np

REFINES = ("openmm",)
SKIP = "skip"
"""What `strict` is where structures beyond the limits are left out."""
_EXTRAS = {"gemmi": ("gemmi", "mmcif"), "openmm": ("OpenMM", "openmm"), "propka": ("PROPKA", "propka")}
"""Optional packages: their names in messages, and the extras that install them."""


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
        whole = int(value) if value == int(value) and not isinstance(value, (str, bool)) else None
    except (TypeError, ValueError, OverflowError):
        whole = None
    if whole is None or whole < least:
        value = value.item() if hasattr(value, "item") else value
        raise ValueError(f"{name}={value!r}: expected an integer of {least} or more")
    return whole


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
    plain = math.nan if isinstance(value, (str, bool)) else plain_number(value)
    if not 0 <= plain < math.inf:
        raise ValueError(f"{name}={value!r}: expected a number of 0 or more")
    return plain


def plain_number(value) -> float:
    """As a float; NaN if it is no number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def check_strict(strict):
    """
    Refuse what `strict` cannot be.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_strict("skip"), check_strict(True)
    ('skip', True)
    """
    if strict == SKIP or isinstance(strict, (bool, np.bool_)):
        return strict
    raise ValueError(f'strict={strict!r}: expected True (stop), "skip" (leave out) or False (take all)')


def check_refine(refine):
    """
    Refuse what `refine` cannot be.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_refine("openmm")
    'openmm'
    """
    if refine is None or refine in REFINES:
        return refine
    raise ValueError(f"refine={refine!r}: expected {', '.join(REFINES)}, or None")


def check_atoms(atoms, name="atoms"):
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
        raise TypeError(f"{name}={atoms!r:.60}: expected an AtomGroup or a Universe of MDAnalysis")


def carries(passthrough) -> bool:
    """
    Whether molecules are carried along.

    Examples
    --------
    >>> carries(None), carries(False), carries(True), carries("resname ZN")
    (False, False, True, True)
    """
    return passthrough is not None and passthrough is not False


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


def require(package, who):
    """
    Refuse to go on without an optional package.

    Parameters
    ----------
    package : str
    who : str
        What needs it, and the verb: the beginning of the message.

    Raises
    ------
    ImportError
        If it is not installed.

    Examples
    --------
    >>> import sys
    >>> sys.modules["propka"] = None  # as if it were not installed
    >>> require("propka", "This option needs")
    Traceback (most recent call last):
    ImportError: This option needs PROPKA, which is not installed: pip install "mdbackmap[propka]"
    >>> _ = sys.modules.pop("propka")
    """
    if find_spec(package) is None:
        name, extra = _EXTRAS[package]
        raise ImportError(f'{who} {name}, which is not installed: pip install "mdbackmap[{extra}]"')
