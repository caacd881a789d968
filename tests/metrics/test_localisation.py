"""Localisation metrics: the mask itself is perfect, a uniform map is at chance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from xai_core.methods import METHODS
from xai_core.metrics import METRICS, Case
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier

SHARE = 24 * 28 / 64**2


@pytest.fixture
def batch(tiny_classifier: Classifier, tiny_batch: Callable[[Classifier], Batch]) -> Batch:
    return tiny_batch(tiny_classifier)


def case_of(batch: Batch, maps: torch.Tensor) -> Case:
    masks = torch.zeros(len(batch), 64, 64, dtype=torch.bool)
    masks[:, 16:40, 20:48] = True
    return Case(batch, batch.predicted, maps, METHODS["uniform"](), masks)


def test_mask_uniform_and_outside(batch: Batch) -> None:
    masks = case_of(batch, torch.zeros(len(batch), 64, 64)).masks
    assert masks is not None
    uniform, perfect = torch.ones(len(batch), 64, 64), masks.float()
    outside = 1 - perfect
    for name, chance in (("relevance_mass", SHARE), ("relevance_rank", SHARE)):
        scores = [METRICS[name]().score(case_of(batch, maps)).values for maps in (perfect, outside)]
        assert scores[0] == pytest.approx([1.0] * len(batch))
        assert scores[1] == pytest.approx([0.0] * len(batch), abs=0.05)
        at_chance = METRICS[name]().score(case_of(batch, uniform)).values
        assert at_chance == pytest.approx([chance] * len(batch), abs=0.05)
    pointing = METRICS["pointing_game"](tolerance_px=0.0)
    assert pointing.score(case_of(batch, perfect)).values == pytest.approx([1.0] * len(batch))
    assert pointing.score(case_of(batch, outside)).values == pytest.approx([0.0] * len(batch))
    assert pointing.score(case_of(batch, uniform)).values == pytest.approx([SHARE] * len(batch))
    iou = METRICS["best_iou"]()
    assert iou.score(case_of(batch, perfect)).values == pytest.approx([1.0] * len(batch))


def test_the_pointing_games_tolerance_scales_with_the_image(batch: Batch) -> None:
    maps = torch.zeros(len(batch), 64, 64)
    maps[:, 30, 48 + 3] = 1.0  # four pixels beside the mask; 15 px at 224 are 4.3 px at 64
    assert METRICS["pointing_game"]().score(case_of(batch, maps)).values.min() == 1.0
    maps = torch.zeros(len(batch), 64, 64)
    maps[:, 30, 48 + 4] = 1.0
    assert METRICS["pointing_game"]().score(case_of(batch, maps)).values.max() == 0.0


def test_only_positive_relevance_counts_and_none_is_undefined(batch: Batch) -> None:
    maps = -torch.ones(len(batch), 64, 64)
    scores = METRICS["relevance_mass"]().score(case_of(batch, maps))
    assert scores.values.isnan().all()
    assert set(scores.reasons) == {"the map has no positive value"}
    maps[:, 20, 30] = 2.0
    scores = METRICS["relevance_mass"]().score(case_of(batch, maps))
    assert scores.values == pytest.approx([1.0] * len(batch))


def test_sparseness_is_the_gini_index(batch: Batch) -> None:
    maps = torch.rand(len(batch), 64, 64, generator=torch.manual_seed(0))
    flat = METRICS["sparseness"]().score(case_of(batch, torch.ones_like(maps))).values
    assert flat == pytest.approx([0.0] * len(batch), abs=1e-6)
    one = torch.zeros_like(maps)
    one[:, 8:16, 8:16] = 1.0
    few = METRICS["sparseness"]().score(case_of(batch, one)).values
    some = METRICS["sparseness"]().score(case_of(batch, maps)).values
    assert (few > 0.9).all()
    assert (few > some).all()
    assert np.all((some.numpy() > 0) & (some.numpy() < 0.6))
