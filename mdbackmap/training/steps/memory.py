"""
What a training step holds in memory at its peak, counted in tensors.

Weights, gradients, moments of Adam, what the backward pass needs, and work space are counted. Neither the interpreter
nor the caches of allocators count, so numbers of different devices and models compare.
"""

import weakref

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def step_memory(model, loss):
    """
    Bytes that a training step holds at its peak; gradients of the model are gone afterwards.

    Parameters
    ----------
    model : torch.nn.Module
    loss : callable
        Computes the loss.

    Returns
    -------
    int

    Examples
    --------
    >>> layer = torch.nn.Linear(2, 3, bias=False)
    >>> step_memory(layer, lambda: layer(torch.ones(5, 2)).exp().sum()) - 3 * 24  # weights and two moments
    168
    """
    model.zero_grad(set_to_none=True)
    with _Held() as held:
        loss().backward()
    model.zero_grad(set_to_none=True)
    return held.peak + 3 * sum(weight.numel() * weight.element_size() for weight in model.parameters())


class _Held(TorchDispatchMode):
    """Counts storage from the operation that makes it until nothing refers to it; `peak` is the most there was."""

    def __init__(self):
        super().__init__()
        self.now = self.peak = 0
        self.known = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        inputs = {id(x.untyped_storage()) for x in tree_leaves((args, kwargs)) if torch.is_tensor(x)}
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if torch.is_tensor(tensor) and id(tensor.untyped_storage()) not in inputs:
                self._hold(tensor.untyped_storage())
        return made

    def _hold(self, storage):
        key = id(storage)
        if key in self.known:
            return
        size = storage.nbytes()
        self.known[key] = weakref.ref(storage, lambda _: self._drop(key, size))
        self.now += size
        self.peak = max(self.peak, self.now)

    def _drop(self, key, size):
        if self.known.pop(key, None) is not None:
            self.now -= size
