"""Agreement of maps against known extremes and scipy."""

import numpy as np
import pytest
from runs.alikeness import rank_correlations, top_overlaps
from scipy.stats import spearmanr


def test_rank_correlation_is_spearmans_with_ties() -> None:
    random = np.random.default_rng(0)
    first = random.integers(0, 9, (20, 20)).astype(np.float32)
    second = first + random.normal(size=(20, 20)).astype(np.float32)
    found = rank_correlations([first, second, -first])
    assert found[0, 1] == pytest.approx(spearmanr(first.ravel(), second.ravel()).statistic)
    assert found[0, 2] == pytest.approx(-1)
    assert np.isnan(rank_correlations([first, np.ones((20, 20), np.float32)])[0, 1])


def test_overlap_is_one_for_equal_maps_and_zero_for_disjoint_tops() -> None:
    rising = np.arange(100, dtype=np.float32).reshape(10, 10)
    found = top_overlaps([rising, rising * 3, -rising])
    assert found[0, 1] == pytest.approx(1)
    assert found[0, 2] == 0


def test_overlap_of_a_constant_map_is_chance() -> None:
    rising = np.arange(10_000, dtype=np.float32).reshape(100, 100)
    flat = np.zeros((100, 100), dtype=np.float32)
    chance = 0.2 * 0.2 / (2 * 0.2 - 0.2 * 0.2)
    assert top_overlaps([rising, flat])[0, 1] == pytest.approx(chance, abs=1e-6)
