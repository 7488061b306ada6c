"""
What a training step holds in memory, whatever the device: weights, gradients, moments of Adam, and all tensors that
the backward pass will need.
"""

import torch

_PER_WEIGHT = 4  # weight, gradient, two moments


def step_memory(model, loss):
    """
    Bytes that a training step holds at its peak, before the backward pass begins.

    Storage that several tensors share counts once. Work space of single operations is left out, and so are caches.

    Parameters
    ----------
    model : torch.nn.Module
    loss : callable
        Computes the loss; what autograd saves on the way is counted.

    Returns
    -------
    int

    Examples
    --------
    >>> layer = torch.nn.Linear(2, 3, bias=False)
    >>> step_memory(layer, lambda: layer(torch.ones(5, 2)).exp().sum())
    196
    """
    saved = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    weights = list(model.parameters())
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        result = loss()  # alive until the sum is made, or its storage might be used again
    own = {weight.untyped_storage().data_ptr() for weight in weights}
    activations = sum(size for pointer, size in saved.items() if pointer not in own)
    del result
    return activations + _PER_WEIGHT * sum(weight.numel() * weight.element_size() for weight in weights)
