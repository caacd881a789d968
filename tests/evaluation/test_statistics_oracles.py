"""Statistics against published examples and identities, beside the checks in test_statistics."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xai_core.evaluation.statistics import (
    bca_interval,
    critical_difference,
    distinct,
    friedman,
    holm,
    identical_groups,
    pairwise_wilcoxon,
    rank_biserial,
    rank_stability,
)

RANDOM = np.random.default_rng(0)
TABLE = pd.DataFrame(
    RANDOM.normal(size=(40, 5)) + np.arange(5) * 0.4, columns=["a", "b", "c", "d", "e"]
)


def test_bca_agrees_with_scipy() -> None:
    values = RANDOM.exponential(size=(60, 2)) ** 1.5
    ours = bca_interval(values, resamples=20_000)
    for column in range(2):
        theirs = stats.bootstrap(
            (values[:, column],), np.mean, method="BCa", n_resamples=20_000, rng=1
        ).confidence_interval
        width = theirs.high - theirs.low
        assert ours[column] == pytest.approx([theirs.low, theirs.high], abs=0.03 * width)


def test_bca_of_constant_single_and_undefined_values() -> None:
    assert bca_interval(np.full((9, 1), 0.3)).tolist() == [pytest.approx([0.3, 0.3])]
    assert bca_interval(np.array([[0.7]])).tolist() == [[0.7, 0.7]]
    with pytest.raises(ValueError, match="needs defined values"):
        bca_interval(np.array([[np.nan], [1.0]]))


def test_bca_covers_the_mean_as_often_as_it_says() -> None:
    samples = np.random.default_rng(5).exponential(size=(50, 400))
    interval = bca_interval(samples, resamples=1000)
    covered = ((interval[:, 0] <= 1) & (interval[:, 1] >= 1)).mean()
    assert 0.90 <= covered <= 0.98


@pytest.mark.parametrize(
    ("methods", "images", "expected"), [(10, 50, 1.92), (10, 200, 0.96), (10, 500, 0.61)]
)
def test_critical_differences(methods: int, images: int, expected: float) -> None:
    assert critical_difference(methods, images) == pytest.approx(expected, abs=0.005)


def test_critical_difference_of_demsars_example() -> None:
    # Demsar 2006, section 3.2.2: four classifiers on 14 data sets, q = 2.569, CD = 1.25
    assert critical_difference(4, 14) == pytest.approx(2.569 * (4 * 5 / (6 * 14)) ** 0.5, abs=2e-3)


def test_friedman_agrees_with_scipy_and_posthocs() -> None:
    posthocs = pytest.importorskip("scikit_posthocs")
    result = friedman(TABLE, higher_is_better=True)
    theirs = stats.friedmanchisquare(*TABLE.to_numpy().T)
    assert (result.statistic, result.p_value) == pytest.approx(tuple(theirs))
    assert result.mean_ranks.idxmin() == "e"
    assert result.mean_ranks.sum() == pytest.approx(15)
    pairs = posthocs.posthoc_nemenyi_friedman(TABLE.to_numpy())
    apart = np.abs(np.subtract.outer(*[result.mean_ranks.to_numpy()] * 2))
    different = apart > result.critical_difference
    assert (different == (pairs.to_numpy() < 0.05)).all()
    for group in result.groups:
        ranks = result.mean_ranks[list(group)]
        assert ranks.max() - ranks.min() <= result.critical_difference


def test_friedman_of_equal_methods_and_of_too_few() -> None:
    flat = pd.DataFrame(np.ones((6, 3)), columns=list("abc"))
    assert friedman(flat, True).p_value == 1.0
    with pytest.raises(ValueError, match="needs 3 methods and 2 images, got 2 and 6"):
        friedman(flat[["a", "b"]], True)


def test_wilcoxon_holm_and_effect_size() -> None:
    table = pairwise_wilcoxon(TABLE, higher_is_better=True)
    assert len(table) == 10
    first = table.iloc[3]  # a against e
    difference = (TABLE["a"] - TABLE["e"]).to_numpy()
    expected = stats.wilcoxon(difference, method="exact")
    assert first["p_value"] == pytest.approx(expected.pvalue)
    assert first["rank_biserial"] < -0.3
    assert first["wins"] + first["losses"] == 40
    turned = pairwise_wilcoxon(TABLE, higher_is_better=False)
    np.testing.assert_allclose(turned["rank_biserial"], -table["rank_biserial"])
    assert (table["p_holm"] >= table["p_value"]).all()


def test_holm_by_hand() -> None:
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])).tolist() == pytest.approx(
        [0.03, 0.06, 0.06, 0.02]
    )


def test_rank_biserial_by_hand() -> None:
    # ranks 1, 2, 3 of which 2 speaks against: (1 + 3 - 2) / 6; zeros take no part
    assert rank_biserial(np.array([0.1, -0.2, 0.3, 0.0])) == pytest.approx(1 / 3)
    assert rank_biserial(np.zeros(4)) == 0.0
    assert rank_biserial(np.array([2.0, 1.0])) == 1.0


def test_rank_stability() -> None:
    shares = rank_stability(TABLE, higher_is_better=True)
    assert shares.sum() == pytest.approx(1.0)
    assert shares.idxmax() == TABLE.mean().idxmax()
    clear = TABLE.assign(f=TABLE["e"] + 5)
    assert rank_stability(clear, higher_is_better=True)["f"] == 1.0
    twins = TABLE.assign(f=TABLE["e"])[["e", "f"]]
    assert rank_stability(twins, higher_is_better=True).tolist() == [0.5, 0.5]


def test_identical_methods_are_found() -> None:
    index = pd.MultiIndex.from_product([range(40), ["one", "two"]], names=["image", "metric"])
    scores = pd.DataFrame(RANDOM.normal(size=(80, 3)), index=index, columns=list("abc"))
    scores["d"] = scores["a"] + 1e-4 * RANDOM.normal(size=80)
    scores.loc[(3, "two"), ["a", "d"]] = np.nan
    groups = identical_groups(scores)
    assert groups == [("a", "d"), ("b",), ("c",)]
    assert list(distinct(scores, groups).columns) == ["a", "b", "c"]
