"""What a machine can do: the device that it has, and how many frames go through it at a time."""

import numpy as np
import torch

_RESIDUES_A_BATCH = {"cpu": 19200, "cuda": 96000}  # at most; chosen: by hand, what memory allows
_RESIDUES_A_THREAD = 2400  # on processors; chosen: by hand, 1 to 2 s of work
_ATOMS_A_BATCH = 2_000_000  # chosen: by hand, 24 MB of positions, several times over while they are made and written
_MOST_FRAMES = 512  # chosen: by hand


def frames_at_a_time(requested, n_residues, device, n_threads, n_atoms=1):
    """
    Frames to generate at a time.

    Parameters
    ----------
    requested : int or "auto"
    n_residues : int
        Of one frame.
    device : torch.device
    n_threads : int
    n_atoms : int, optional
        Of one frame, molecules that are carried along included.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        Neither "auto" nor a whole number above 0.

    Examples
    --------
    >>> frames_at_a_time("auto", 100, torch.device("cpu"), 2)
    48
    """
    if requested == "auto":
        residues = _RESIDUES_A_BATCH.get(device.type, _RESIDUES_A_BATCH["cpu"])
        if device.type == "cpu":
            residues = min(residues, _RESIDUES_A_THREAD * n_threads)
        return int(np.clip(min(residues // n_residues, _ATOMS_A_BATCH // max(n_atoms, 1)), 1, _MOST_FRAMES))
    if isinstance(requested, bool) or not isinstance(requested, (int, np.integer)) or requested < 1:
        raise ValueError(f'batch_size must be "auto" or a whole number of frames above 0, not {requested!r}')
    return int(requested)


def usable_device(device):
    """
    The device of that name, tried.

    Parameters
    ----------
    device : str, torch.device or None
        None for "cuda" if there is one, else "cpu".

    Returns
    -------
    torch.device

    Raises
    ------
    ValueError
        A device that cannot be used here.

    Examples
    --------
    >>> usable_device("cpu")
    device(type='cpu')
    """
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(device)
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        reason = str(error).split("\n")[0]
        raise ValueError(f"device {str(device)!r} cannot be used here ({reason}); 'cpu' always works") from error
    return device
