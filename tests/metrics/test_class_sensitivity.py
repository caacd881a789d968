"""Class sensitivity: 1 for the same map, -1 for the opposite one, undefined for a constant one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from tests.metrics.conftest import World, fixed
from xai_core.methods import METHODS
from xai_core.metrics import METRICS, Case
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier


def test_the_same_and_the_opposite_map(make_world: Callable[[], World]) -> None:
    world, metric = make_world(), METRICS["class_sensitivity"]()
    same = metric.score(world.case(world.evidence)).values
    torch.testing.assert_close(same, torch.ones(3))
    opposite = metric.score(world.case(world.evidence, fixed(-world.evidence))).values
    torch.testing.assert_close(opposite, -torch.ones(3))
    constant = metric.score(world.case(torch.ones_like(world.evidence)))
    assert constant.values.isnan().all()
    assert set(constant.reasons) == {"one of the two maps is constant"}


def test_it_is_the_correlation_with_the_least_probable_class(
    tiny_classifier: Classifier, tiny_batch: Callable[[Classifier], Batch]
) -> None:
    batch, method = tiny_batch(tiny_classifier), METHODS["cam"]()
    maps = method.attribute(batch, torch.arange(5).expand(4, 5)).double().numpy()
    targets = torch.tensor([0, 1, 2, 3])
    own = torch.from_numpy(maps[range(4), targets]).float()
    values = METRICS["class_sensitivity"]().score(Case(batch, targets, own, method)).values
    for index, least in enumerate(batch.probabilities.argmin(dim=1).tolist()):
        pair = maps[index, int(targets[index])].ravel(), maps[index, least].ravel()
        assert float(values[index]) == pytest.approx(np.corrcoef(*pair)[0, 1], abs=1e-5)
