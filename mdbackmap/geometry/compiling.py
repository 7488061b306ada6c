"""
Loops over numbers compiled by numba, where it is installed (``pip install "mdbackmap[fast]"``).

A compiled kernel stands beside a reference in torch that gives the same numbers but for rounding. Arrays of other
devices, or that need gradients, go to the reference. ``MDBACKMAP_COMPILED=0`` in the environment turns kernels off.
"""

import functools
import importlib.util
import os

import torch

# No `nnan`, no `ninf`: energies may be infinite. Sums may be ordered as vector instructions want.
_FAST_MATHS = {"reassoc", "contract", "arcp", "nsz"}


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

    return numba.njit(cache=True, nogil=True, fastmath=_FAST_MATHS, error_model="numpy")(kernel)


def suits(*tensors):
    """Whether compiled kernels take these tensors: on the CPU, no gradients asked for. None counts as one that fits."""
    given = [tensor for tensor in tensors if tensor is not None]
    asked = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in given)
    return available() and not asked and all(tensor.device.type == "cpu" for tensor in given)


def array(tensor):
    """The numpy array of a tensor, in one piece; the memory is shared if it is in one piece already."""
    return tensor.detach().contiguous().numpy()
