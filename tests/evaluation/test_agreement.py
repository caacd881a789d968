"""Agreement against scipy, identities, and resampling written out slowly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xai_core.evaluation.agreement import (
    agreement,
    agreement_intervals,
    concordance_interval,
    kendalls_w,
)

RANDOM = np.random.default_rng(0)
TABLE = pd.DataFrame(
    RANDOM.normal(size=(40, 5)) + np.arange(5) * 0.4, columns=["a", "b", "c", "d", "e"]
)


def test_agreement_and_concordance() -> None:
    means = pd.DataFrame({"one": [1, 2, 3, 4], "same": [2, 4, 6, 8], "back": [4, 3, 2, 1]})
    table = agreement(means)
    assert table.loc["one", "same"] == 1.0
    assert table.loc["one", "back"] == -1.0
    alike = pd.DataFrame(np.tile([1.0, 2.0, 3.0], (5, 1)))
    assert kendalls_w(alike) == pytest.approx(1.0)
    noise = pd.DataFrame(np.random.default_rng(1).normal(size=(400, 5)))
    chi = stats.friedmanchisquare(*noise.to_numpy().T).statistic
    assert kendalls_w(noise) == pytest.approx(chi / (400 * 4))  # W = chi2 / n (k - 1)


def test_agreement_is_kendalls_tau_b() -> None:
    means = pd.DataFrame({"x": [1, 2, 2, 4.0], "y": [1, 3, 2, 4.0], "z": [np.nan, 1, 1, 1.0]})
    table = agreement(means)
    assert table.loc["x", "y"] == pytest.approx(stats.kendalltau(means["x"], means["y"]).statistic)
    assert table.loc["x", "x"] == pytest.approx(1.0)
    assert np.isnan(table.loc["x", "z"])


def test_agreement_is_scipys_for_every_pair_with_ties_and_gaps() -> None:
    random = np.random.default_rng(0)
    means = pd.DataFrame(random.integers(0, 6, (14, 5)).astype(float), columns=list("abcde"))
    means = means.mask(random.random(means.shape) < 0.2)
    table = agreement(means)
    for first in means:
        for second in means:
            x, y = means[first], means[second]
            both = x.notna() & y.notna()
            expected = stats.kendalltau(x[both], y[both]).statistic
            assert table.loc[first, second] == pytest.approx(expected)


def test_kendalls_w() -> None:
    alike = pd.DataFrame(np.tile(np.arange(4.0), (6, 1)), columns=list("abcd"))
    assert kendalls_w(alike) == pytest.approx(1.0)
    # W = chi2 / (n (k - 1)) without ties
    chi2 = stats.friedmanchisquare(*TABLE.to_numpy().T).statistic
    assert kendalls_w(TABLE) == pytest.approx(chi2 / (40 * 4))
    tied = TABLE.round(0)
    chi2 = stats.friedmanchisquare(*tied.to_numpy().T).statistic
    assert kendalls_w(tied) == pytest.approx(chi2 / (40 * 4))


def resampled(table: pd.DataFrame, counts: np.ndarray) -> pd.DataFrame:
    """The table with each row as often as it was drawn."""
    return table.iloc[np.repeat(np.arange(len(table)), counts)].reset_index(drop=True)


@pytest.mark.parametrize(("images", "methods"), [(48, 8), (100, 20)])
def test_ws_interval_holds_where_images_rank_at_random(images: int, methods: int) -> None:
    """W of null data has the mean 1 / n; without the correction W lies below its interval."""
    random = np.random.default_rng(images)
    inside = covered = 0
    for seed in range(60):
        null = pd.DataFrame(random.normal(size=(images, methods)))
        low, high = concordance_interval(null, seed=seed)
        inside += low <= kendalls_w(null) <= high
        covered += low <= 1 / images <= high
    assert inside == 60
    assert covered >= 54


def test_resampled_w_is_unbiased_after_the_correction() -> None:
    """The mean of W over all draws of 3 images with replacement, written out."""
    three = TABLE.iloc[:3]
    draws = [resampled(three, np.bincount(d, minlength=3)) for d in np.ndindex(3, 3, 3)]
    mean, w = np.mean([kendalls_w(draw) for draw in draws]), kendalls_w(three)
    assert mean - (1 - w) / 3 == pytest.approx(w)


def test_concordance_interval_is_that_of_resampled_tables_less_their_bias() -> None:
    tied = TABLE.round(0)
    draws = np.random.default_rng(3).multinomial(40, np.full(40, 1 / 40), 50)
    slow = [kendalls_w(resampled(tied, counts)) for counts in draws]
    low, high = concordance_interval(tied, resamples=50, seed=3)
    bias = (1 - kendalls_w(tied)) / 40
    assert [low, high] == pytest.approx(list(np.quantile(slow, [0.025, 0.975]) - bias))
    assert low < kendalls_w(tied) < high
    alike = pd.DataFrame(np.tile(np.arange(4.0), (6, 1)))
    assert concordance_interval(alike) == (1.0, 1.0)
    assert np.isnan(concordance_interval(alike.iloc[:1])).all()


def test_agreement_intervals_are_those_of_resampled_tables() -> None:
    """Three metrics; one knows only half of the images, one has a gap and lacks a method."""
    half = -TABLE.iloc[:20] + RANDOM.normal(size=(20, 5))
    gaps = (TABLE + RANDOM.normal(size=(40, 5)))[["a", "b", "c", "d"]].copy()
    gaps.loc[7, "b"] = np.nan
    scores = {"all": TABLE, "half": half, "gaps": gaps}
    found = agreement_intervals(scores, resamples=60, seed=5)
    draws = np.random.default_rng(5).multinomial(40, np.full(40, 1 / 40), 60)
    slow = []
    for counts in draws:
        means = {
            name: resampled(table, counts[: len(table)]).mean() for name, table in scores.items()
        }
        slow.append(agreement(pd.DataFrame(means)).to_numpy())
    expected = np.moveaxis(np.quantile(slow, [0.025, 0.975], axis=0), 0, -1)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert (found[0, 0] == 1).all()


def test_a_metric_that_tells_nothing_apart_has_no_interval() -> None:
    found = agreement_intervals({"all": TABLE, "flat": TABLE * 0}, resamples=20)
    assert np.isnan(found[0, 1]).all()
    assert np.isfinite(found[0, 0]).all()
