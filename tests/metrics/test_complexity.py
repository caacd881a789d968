"""Complexity: the entropy of where a map's magnitude lies; log k where k pixels share it."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from tests.metrics.conftest import SIDE, World
from xai_core.metrics import METRICS


@pytest.mark.parametrize("pixels", [1, 7, SIDE * SIDE])
def test_pixels_that_share_evenly(pixels: int, make_world: Callable[[], World]) -> None:
    world = make_world()
    maps = torch.zeros(3, SIDE * SIDE)
    maps[:, :pixels] = torch.tensor([2.0, -2.0]).repeat(SIDE * SIDE)[:pixels]  # signs do not count
    values = METRICS["complexity"]().score(world.case(maps.view(3, SIDE, SIDE))).values
    torch.testing.assert_close(values, torch.full((3,), math.log(pixels)), atol=1e-5, rtol=1e-5)
