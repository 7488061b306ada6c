"""
Large frames in chunks: a stage that works on each residue alone goes through them chunk by chunk.

So what it makes on the way takes memory for one chunk, whatever the size of a frame.
"""

import torch

CHUNK = {"cpu": 8192, "cuda": 262144}
"""Rows (residues, beads) that are worked on at a time, by the kind of the device; chosen: by hand, some 100 MB."""


def chunk_size(device):
    """How many rows are worked on at a time on a device."""
    return CHUNK.get(device.type, CHUNK["cpu"])


def in_chunks(work, n, device):
    """
    What is made of `n` rows, a chunk at a time. With gradients, or if they are few, all are worked on at once.

    Parameters
    ----------
    work : callable
        It gets a slice of rows, and returns a sequence of tensors with so many rows.
    n : int
    device : torch.device

    Returns
    -------
    sequence of torch.Tensor, n rows each
        The same whatever the size of a chunk is, if `work` makes each row from its own.

    Examples
    --------
    >>> values = torch.arange(10000)
    >>> with torch.no_grad():
    ...     in_chunks(lambda at: [values[at] ** 2], 10000, values.device)[0][-1]
    tensor(99980001)
    """
    size = chunk_size(device)
    if n <= size or torch.is_grad_enabled():
        return work(slice(0, n))
    whole = None
    for start in range(0, n, size):
        at = slice(start, start + size)
        made = work(at)
        if whole is None:
            whole = [one.new_empty(n, *one.shape[1:]) for one in made]
        for into, one in zip(whole, made, strict=True):
            into[at] = one
    return whole
