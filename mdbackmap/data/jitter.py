"""Noise on C-alpha traces: what a coarse-grained force field does to them, roughly."""

import math

import torch


def jitter(beads, internal, amplitude, generator, rounds=8):
    """
    Beads with smooth noise, CA-CA distances kept nearly as they were.

    White noise is averaged along the chain, scaled, and the distances are then restored by a few rounds of pairwise
    corrections (as SHAKE does).

    Parameters
    ----------
    beads : torch.Tensor, shape (n, 3)
        Angstrom.
    internal : InternalCoordinates
        Says where stretches end.
    amplitude : torch.Tensor, shape (n,)
        RMS of the noise, angstrom.
    generator : torch.Generator
    rounds : int
        Of corrections.

    Returns
    -------
    torch.Tensor, shape (n, 3)
    """
    noise = torch.randn(beads.shape, generator=generator)
    inner_next, inner_last = ~internal.ends[:, None], ~internal.starts[:, None]
    for _ in range(3):
        noise = noise + noise.roll(-1, 0) * inner_next + noise.roll(1, 0) * inner_last
    noise = noise / noise.square().mean().mul(3).sqrt() * amplitude[:, None]
    moved = beads + noise
    wanted = (beads.roll(-1, 0) - beads).norm(dim=-1, keepdim=True)
    for _ in range(rounds):
        bond = moved.roll(-1, 0) - moved
        length = bond.norm(dim=-1, keepdim=True).clamp_min(1e-6)
        correction = 0.25 * (length - wanted) / length * bond * inner_next
        moved = moved + correction - correction.roll(1, 0)
    return moved


def roughen(beads, amplitude, generator):
    """Beads (n, 3) with white noise of `amplitude` (n,) angstrom RMS: as bonds that are springs have them."""
    return beads + torch.randn(beads.shape, generator=generator) * (amplitude / math.sqrt(3))[:, None]
