"""Discriminating power against known extremes and against simulated samples."""

import numpy as np
import pandas as pd
import pytest

from xai_core.evaluation.lead import least_images
from xai_core.evaluation.power import discriminating_power, images_needed
from xai_core.evaluation.statistics import pairwise_wilcoxon

RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=(60, 3))


def test_methods_far_apart_are_all_told_apart() -> None:
    table = pd.DataFrame(NOISE + np.array([0, 10, 20]), columns=["a", "b", "null"])
    found = discriminating_power(table, True)
    assert (found.pairs, found.apart, found.images) == (3, 3, 60)
    assert found.needed == least_images(3)
    assert found.share == 1
    alone = discriminating_power(table, True, ["null"])
    assert (alone.pairs, alone.apart) == (1, 1)


def test_copies_of_noise_are_not_told_apart_and_need_more_images() -> None:
    table = pd.DataFrame(NOISE, columns=["a", "b", "c"])
    found = discriminating_power(table, True)
    assert found.apart == 0
    assert found.needed is not None
    assert found.needed > 60


def test_equal_methods_never_need_a_number() -> None:
    column = NOISE[:, 0]
    table = pd.DataFrame({"a": column, "b": column, "c": column})
    assert discriminating_power(table, True).needed is None


def test_images_without_a_score_do_not_count() -> None:
    table = pd.DataFrame(NOISE + np.array([0, 10, 20]), columns=["a", "b", "c"])
    table.iloc[:20, 1] = np.nan
    assert discriminating_power(table, True).images == 40


@pytest.mark.parametrize("tests", [1, 20])
def test_the_number_of_images_gives_the_power_it_says(tests: int) -> None:
    """500 simulated samples of that size: about 80 % are significant (SE of a share: 1.8 points).

    The approximation is good to a few points, so five standard errors are allowed.
    """
    effect = 0.4
    spread = np.linspace(-1, 1, 2001)
    shape = effect + spread / spread.std(ddof=1)
    images = int(images_needed(pd.Series(shape), tests))
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(500):
        sample = pd.DataFrame({"a": rng.normal(effect, 1, images), "b": np.zeros(images)})
        hits += pairwise_wilcoxon(sample, True)["p_value"].iloc[0] < 0.05 / tests
    assert hits / 500 == pytest.approx(0.8, abs=0.09)
