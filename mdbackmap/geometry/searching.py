"""
How near points are looked for: all compared, or in a tree; frame by frame, and some at a time.

Shapes: F frames, N and M points. Lengths in angstrom.
"""

import torch

from .periodic import minimum_image

PAIRS = 1_000_000  # whose distances are in memory at a time; chosen: by hand
# Pairs of points of a frame from which on a tree is quicker; measured: tests/benchmarks/growth.py --search
MANY = {
    ("nearest", False): 400_000,
    ("nearest", True): 300_000,
    ("spheres", False): 8_000_000,
    ("spheres", True): 150_000,
}
_ACCELERATED = 300  # times as many pairs are compared on a device; chosen: by hand, trees are on the CPU


def many(what, n_pairs, box, device):
    """Whether so many pairs of points are better looked for in a tree."""
    return n_pairs > MANY[what, box is not None] * (1 if device.type == "cpu" else _ACCELERATED)


def parts(rows, n_others):
    """Rows of points some at a time, so that their distances from others are in memory together."""
    return rows.split(max(1, PAIRS // max(1, n_others)))


def as_array(tensor):
    """A tensor as a numpy array in double precision; None stays None."""
    return None if tensor is None else tensor.detach().double().cpu().numpy()


def each_frame(frames, box):
    """Of each frame that has points: its number, the rows of these points, and its box."""
    for frame in frames.unique().tolist():
        yield frame, (frames == frame).nonzero()[:, 0], None if box is None else box[frame]


def distances(one, other, box):
    """Distances (F, N, M) of points (F, N, 3) and (F, M, 3)."""
    if box is None:
        return torch.cdist(one, other, compute_mode="donot_use_mm_for_euclid_dist")
    return minimum_image(other.unsqueeze(1) - one.unsqueeze(2), box[:, None, None].to(one)).norm(dim=-1)
