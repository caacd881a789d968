"""ROAD against a slow loop: 10 % to 90 % of the pixels removed, least against most relevant."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.metrics.conftest import World
from tests.metrics.test_faithfulness import slow_curve
from xai_core.metrics import METRICS


@pytest.mark.parametrize("imputer", ["zero", "mean"])
def test_road_equals_a_slow_loop(imputer: str, make_world: Callable[[], World]) -> None:
    world = make_world()
    case = world.case(world.evidence + 0.1 * world.random)
    values = METRICS["road"](imputer=imputer).score(case).values.tolist()
    for index, value in enumerate(values):
        # of the eleven points at 0 %, 10 %, ... 100 % the first and the last are left out
        lerf = slow_curve(case, "lerf", imputer, 10, index)[1:-1]
        morf = slow_curve(case, "morf", imputer, 10, index)[1:-1]
        assert value == pytest.approx((sum(lerf) - sum(morf)) / 18, abs=1e-5)
