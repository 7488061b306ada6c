"""Tables of energies as the package keeps them: whole numbers of small steps, a byte each."""

import numpy as np

STEP = 1 / 14  # chosen: by hand
"""Nats in one step; energies are clipped to 0 .. 18.2."""


def save_energies(filename, **energies):
    """
    Write energies in nats by name, to the nearest step, and the size of a step.

    Parameters
    ----------
    filename : path-like
        The ``.npz`` to write.
    **energies : ndarray of float
    """
    packed = {name: np.clip(np.round(table / STEP), 0, 255).astype(np.uint8) for name, table in energies.items()}
    np.savez_compressed(filename, step=STEP, **packed)
