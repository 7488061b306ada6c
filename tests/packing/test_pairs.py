"""Pairs of near atoms: what the compiled loop lists is what torch lists, in the same order, in any box."""

import pytest
import torch

from mdbackmap.geometry.compiling import available
from mdbackmap.packing import pairs

SKEWED = torch.tensor([[18.0, 0.0, 0.0], [3.0, 19.0, 0.0], [2.0, 1.0, 17.0]])
EVERYTHING = torch.eye(3) * 60.0


def a_crowd(n_frames=3, n_groups=20, size=5, seed=0):
    """Groups of atoms of some frames, and how far each atom may be from its place; one group is empty."""
    generator = torch.Generator().manual_seed(seed)
    count = torch.randint(1, size, (n_groups,), generator=generator)
    count[n_groups // 2] = 0
    places = 8 * torch.randn(n_frames, int(count.sum()), 3, generator=generator)
    return places, (count.cumsum(0) - count, count), torch.rand(places.shape[:2], generator=generator)


@pytest.mark.skipif(not available(), reason="numba compiles the loops")
@pytest.mark.parametrize("box", [None, SKEWED, EVERYTHING], ids=["open", "skewed", "wide"])
@pytest.mark.parametrize("spreads", [(False, False), (True, False), (True, True)])
def test_compiled_lists_are_those_of_torch(monkeypatch, box, spreads):
    places, runs, spread = a_crowd()
    one, other = (
        pairs.groups_of(at, *runs, spread if has else None)
        for at, has in zip((places, places + 1.0), spreads, strict=True)
    )
    box = None if box is None else box.expand(len(places), 3, 3)
    quick = [pairs.group_pairs(*groups, len(places), 5.0, box) for groups in ((one, other), (one, one))]
    monkeypatch.setattr(pairs, "suits", lambda *tensors: False)
    slow = [pairs.group_pairs(*groups, len(places), 5.0, box) for groups in ((one, other), (one, one))]
    for found, wanted in zip(sum(map(list, quick), []), sum(map(list, slow), []), strict=True):
        assert (found is None) == (wanted is None)
        if wanted is not None:
            torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)
    assert min(len(listed[2]) for listed in slow) > 50


def test_no_groups_meet():
    places, runs, _ = a_crowd(n_groups=1)
    groups = pairs.groups_of(places, *runs)
    rows, columns, pair, a, b, gap, shift = pairs.group_pairs(groups, groups, len(places), 3.0)
    assert len(rows) == len(columns) == len(pair) == len(a) == len(b) == len(gap) == 0 and shift is None
