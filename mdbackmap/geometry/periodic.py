"""Displacements in periodic boxes, brought to their shortest images. Lengths in angstrom."""

import torch

from .vectors import full_precision


@full_precision
def minimum_image(displacements, box):
    """
    Displacements (..., 3) brought to their shortest periodic image.

    Parameters
    ----------
    displacements : torch.Tensor, shape (..., 3)
    box : torch.Tensor, shape (3, 3) or broadcastable (..., 3, 3)
        Box vectors as rows, in angstrom.

    Returns
    -------
    torch.Tensor, shape (..., 3)
        Exact for displacements up to half the shortest box width; in strongly skewed boxes beyond it, one of the
        short images.
    """
    box = _common(box)
    inverse = _inverse(box)
    if box.dim() == 2 and box.device.type == "cpu" and torch.equal(box, box.diagonal().diag()):
        return displacements - (displacements * inverse.diagonal()).round_() * box.diagonal()
    turns = sum(displacements[..., k, None] * inverse[..., k, :] for k in range(3)).round_()
    images = displacements.clone()
    for k in range(3):
        images -= turns[..., k, None] * box[..., k, :]
    return images


def _common(box):
    """One box (3, 3) where all (..., 3, 3) are the same, as those of one frame are; on a device nobody looks."""
    if box.dim() == 2 or box.numel() == 0 or box.device.type != "cpu":
        return box
    first = box[(0,) * (box.dim() - 2)]
    return first if bool((box == first).all()) else box


def _inverse(box):
    """Inverses of boxes (..., 3, 3): for many small ones much quicker than torch's."""
    one, two, three = box.unbind(-2)
    sides = [torch.linalg.cross(*pair) for pair in ((two, three), (three, one), (one, two))]
    return torch.stack(sides, -1) / (one * sides[0]).sum(-1)[..., None, None]


def image_shifts(displacements, box):
    """What brings displacements (..., 3) to their shortest image in a box, as `minimum_image` has it; 0 without one."""
    return torch.zeros_like(displacements) if box is None else minimum_image(displacements, box) - displacements
