"""
Loops over numbers compiled by numba, where it is installed (``pip install "mdbackmap[fast]"``).

A compiled kernel stands beside a reference in torch that gives the same numbers but for rounding. Arrays of other
devices, or that need gradients, go to the reference. ``MDBACKMAP_COMPILED=0`` in the environment turns kernels off.
"""

import contextlib
import functools
import importlib.util
import logging
import os
from pathlib import Path

import torch

# No `nnan`, no `ninf`: energies may be infinite. Sums may be ordered as vector instructions want.
_FAST_MATHS = {"reassoc", "contract", "arcp", "nsz"}

logger = logging.getLogger(__name__)
_uncompiled = []  # kernels of which numba keeps nothing on disk yet
_patience = [True]  # whether to compile them; the last one counts


@functools.cache
def available():
    """Whether kernels are compiled: numba is there, and the environment does not say no."""
    return os.environ.get("MDBACKMAP_COMPILED", "1") != "0" and importlib.util.find_spec("numba") is not None


def compiled(kernel):
    """
    A function on numpy arrays and numbers, compiled at its first call and kept on disk for later processes.

    It releases Python's global lock, so threads run side by side. It may call other functions that are compiled.
    Without numba the function is returned as it is, so that others can name it; it is then too slow to be called.
    """
    if not available():
        return kernel
    import numba

    compiling = functools.partial(numba.njit, nogil=True, fastmath=_FAST_MATHS, error_model="numpy")
    try:
        function = compiling(cache=True)(kernel)
    except RuntimeError:  # nowhere to keep it: neither the package's folder nor the home folder can be written
        _uncompiled.append(kernel.__qualname__)
        return compiling()(kernel)
    module = kernel.__module__.rpartition(".")[2]
    if not any(Path(function.stats.cache_path).glob(f"{module}.{kernel.__qualname__}-*.nbi")):
        _uncompiled.append(kernel.__qualname__)
    return function


@contextlib.contextmanager
def as_kept():
    """
    A context in which nothing is compiled: where loops are not kept on disk yet, references run in their place.

    Yields
    ------
    callable
        Returns whether all loops are on disk of modules that are loaded by then.
    """
    _patience.append(False)
    try:
        yield lambda: not _uncompiled
    finally:
        _patience.pop()


def suits(*tensors):
    """Whether compiled kernels take these tensors: on the CPU, no gradients asked for. None counts as one that fits."""
    if _uncompiled and not _patience[-1]:
        return False
    if available() and _uncompiled:
        _uncompiled.clear()
        logger.info(
            "loops are compiled, once on this machine: that takes up to a minute (MDBACKMAP_COMPILED=0 does without)"
        )
    given = [tensor for tensor in tensors if tensor is not None]
    asked = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in given)
    return available() and not asked and all(tensor.device.type == "cpu" for tensor in given)


def array(tensor):
    """The numpy array of a tensor, in one piece; the memory is shared if it is in one piece already."""
    return tensor.detach().contiguous().numpy()
