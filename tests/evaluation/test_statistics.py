"""Statistics against scipy, scikit-posthocs, published numbers and hand-worked cases."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import scikit_posthocs
from scipy import stats

from xai_core.evaluation import statistics


@pytest.fixture
def scores() -> pd.DataFrame:
    random = np.random.default_rng(7)
    base = random.normal(size=(40, 1))
    shift = np.array([0.0, 0.3, 0.35, 1.0])
    values = base + shift + random.normal(scale=0.6, size=(40, 4))
    return pd.DataFrame(values, columns=list("abcd"))


def test_intervals_are_those_of_scipys_bca(scores: pd.DataFrame) -> None:
    skewed = np.exp(scores.to_numpy())
    ours = statistics.bca_interval(skewed, resamples=20_000)
    for column in range(4):
        theirs = stats.bootstrap(
            (skewed[:, column],), np.mean, n_resamples=20_000, method="BCa", rng=1
        ).confidence_interval
        width = theirs.high - theirs.low
        assert ours[column] == pytest.approx([theirs.low, theirs.high], abs=0.03 * width)


def test_intervals_of_constants_and_of_one_image() -> None:
    assert statistics.bca_interval(np.full((9, 1), 2.5)) == pytest.approx(np.array([[2.5, 2.5]]))
    assert statistics.bca_interval(np.array([[4.0]])) == pytest.approx(np.array([[4.0, 4.0]]))
    with pytest.raises(ValueError, match="undefined"):
        statistics.bca_interval(np.array([[1.0], [np.nan]]))


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    random = np.random.default_rng(0)
    samples = random.exponential(size=(60, 400))
    found = statistics.bca_interval(samples, resamples=1000)
    covered = ((found[:, 0] <= 1.0) & (found[:, 1] >= 1.0)).mean()
    assert 0.90 <= covered <= 0.98


def test_critical_difference_is_that_of_the_published_tables() -> None:
    # Demsar 2006, table 5: q at 5 % is 2.569 for 4 methods and 3.164 for 10
    assert statistics.critical_difference(4, 14) == pytest.approx(
        2.569 * np.sqrt(4 * 5 / (6 * 14)), abs=1e-3
    )
    assert statistics.critical_difference(10, 50) == pytest.approx(1.92, abs=0.01)
    assert statistics.critical_difference(10, 200) == pytest.approx(0.96, abs=0.01)
    assert statistics.critical_difference(10, 500) == pytest.approx(0.61, abs=0.01)


def test_friedman_and_nemenyi_agree_with_other_libraries(scores: pd.DataFrame) -> None:
    found = statistics.friedman(scores, higher_is_better=True)
    theirs = stats.friedmanchisquare(*scores.to_numpy().T)
    assert found.statistic == pytest.approx(theirs.statistic)
    assert found.p_value == pytest.approx(theirs.pvalue)
    p_values = scikit_posthocs.posthoc_nemenyi_friedman(scores)
    ranks = found.mean_ranks
    for first in scores:
        for second in scores:
            apart = abs(ranks[first] - ranks[second]) > found.critical_difference
            assert first == second or apart == (p_values.loc[first, second] < 0.05)
    assert ranks.idxmin() == "d"
    assert statistics.friedman(scores, higher_is_better=False).mean_ranks.idxmax() == "d"


def test_pairs_are_tested_as_scipy_does_and_corrected_as_holm_did(scores: pd.DataFrame) -> None:
    table = statistics.pairwise_wilcoxon(scores, higher_is_better=True)
    assert len(table) == 6
    for row in table.to_dict("records"):
        difference = scores[row["first"]] - scores[row["second"]]
        expected = stats.wilcoxon(difference).pvalue
        assert row["p_value"] == pytest.approx(expected)
        assert row["wins"] == (difference > 0).sum()
    # Holm 1979 by hand: 0.01 x 4, 0.02 x 3 (at least the one before), 0.03 x 2, 0.5
    corrected = statistics.holm(np.array([0.03, 0.01, 0.5, 0.02]))
    assert corrected == pytest.approx([0.06, 0.04, 0.5, 0.06])


def test_small_samples_get_exact_p_values_unless_tied() -> None:
    """Against all 2^n ways to sign the ranks, written out."""
    random = np.random.default_rng(0)
    for shift in (0.0, 0.6, 5.0):
        first = pd.DataFrame({"a": random.normal(shift, 1, 9), "b": 0.0})
        ranks = stats.rankdata(first["a"].abs())
        signs = np.array(list(itertools.product((-1, 1), repeat=9)))
        sums = np.abs(signs @ ranks)
        found = abs((np.sign(first["a"]) * ranks).sum())
        p = statistics.pairwise_wilcoxon(first, True)["p_value"].iloc[0]
        assert p == pytest.approx((sums >= found).mean())
    assert p == pytest.approx(statistics.smallest_p(9, 1))  # the last: always better
    tied = first.round(0)
    expected = stats.wilcoxon(tied["a"], zero_method="pratt", method="asymptotic").pvalue
    assert statistics.pairwise_wilcoxon(tied, True)["p_value"].iloc[0] == pytest.approx(expected)


@pytest.mark.parametrize("methods", [2, 3, 7])
def test_n_is_too_small_where_a_method_that_always_wins_is_not_told_apart(methods: int) -> None:
    for images in range(2, 14):
        always = np.arange(methods) + 0.1 * np.random.default_rng(1).random((images, methods))
        table = statistics.pairwise_wilcoxon(pd.DataFrame(always), True)
        reached = table["p_holm"].min()
        assert reached == pytest.approx(statistics.smallest_p(images, len(table)))
        assert statistics.is_too_few(images, methods) == (reached > 0.05)
    assert statistics.is_too_few(12, 22)  # 231 pairs / 2048
    assert not statistics.is_too_few(48, 22)
    assert not statistics.is_too_few(6, 2)
    assert statistics.is_too_few(5, 2)


def test_rank_biserial_by_hand() -> None:
    # ranks of |d| = 1, 2, 3 are 1, 2, 3: positive 1 + 3, negative 2
    assert statistics.rank_biserial(np.array([1.0, -2.0, 3.0, 0.0])) == pytest.approx(2 / 6)
    assert statistics.rank_biserial(np.array([0.5, 0.1])) == 1.0
    assert statistics.rank_biserial(np.zeros(3)) == 0.0


def test_the_winner_of_most_resamples(scores: pd.DataFrame) -> None:
    shares = statistics.rank_stability(scores, higher_is_better=True)
    assert shares.sum() == pytest.approx(1.0)
    assert shares.idxmax() == "d"
    assert shares["d"] > 0.95


def test_methods_that_coincide_are_grouped() -> None:
    rows = pd.MultiIndex.from_product([[f"image {i}" for i in range(30)], ["one", "two"]])
    random = np.random.default_rng(2)
    first = random.normal(size=60)
    table = pd.DataFrame(
        {"cam": first, "grad_cam": first + 1e-6, "other": random.normal(size=60)}, index=rows
    )
    assert statistics.identical_groups(table) == [("cam", "grad_cam"), ("other",)]
