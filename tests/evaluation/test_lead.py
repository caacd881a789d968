"""The lead and the null groups, on tables whose answer is known and against plain code."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xai_core.evaluation.lead import lead, least_images, null_groups, paired, smallest_p


def table(images: int = 40, **means: float) -> pd.DataFrame:
    """Images x methods with exactly these means; the paired noise is small and symmetric."""
    random = np.random.default_rng(0)
    shared = random.normal(0, 0.1, images)
    columns = {}
    for name, mean in means.items():
        own = random.normal(0, 0.01, images)
        columns[name] = mean + shared - shared.mean() + own - own.mean()
    return pd.DataFrame(columns)


def test_three_groups_against_the_nulls() -> None:
    scores = table(good=0.9, even=0.501, bad=0.2, weak=0.5, strong=0.5)
    groups = null_groups(scores, True, ["weak", "strong"])
    assert groups["group"].to_dict() == {"good": "better", "even": "open", "bad": "worse"}
    assert groups.loc["good", "gain"] == pytest.approx(0.4)
    assert groups.loc["good", "low"] < 0.4 < groups.loc["good", "high"]
    turned = null_groups(-scores, False, ["weak", "strong"])
    assert turned["group"].to_dict() == groups["group"].to_dict()
    np.testing.assert_allclose(turned["gain"], groups["gain"])


def test_better_than_one_null_is_not_better_than_every_null() -> None:
    groups = null_groups(table(method=0.5, low=0.1, same=0.5), True, ["low", "same"])
    assert groups["group"].to_dict() == {"method": "open"}
    assert groups.loc["method", "null"] == "same"


def test_pairs_are_corrected_together_as_plain_holm_does() -> None:
    scores = table(20, a=0.5, b=0.51, c=0.504)
    found = paired(scores, [("a", "b"), ("a", "c")], True)
    raw = [stats.wilcoxon(scores["a"] - scores[other], method="exact").pvalue for other in "bc"]
    low, high = sorted(raw)
    expected = {low: min(1, 2 * low), high: min(1, max(2 * low, high))}
    assert found["p_holm"].tolist() == pytest.approx([expected[p] for p in raw])


def test_a_mean_against_the_ranks_tells_nothing_apart() -> None:
    """One huge image makes the mean of the method that loses on all others."""
    scores = pd.DataFrame({"a": [0.0] * 39 + [100.0], "b": np.linspace(1, 2, 40)})
    assert paired(scores, [("a", "b")], True)["side"].tolist() == [0]


def test_the_gap_is_the_paired_difference_with_its_interval() -> None:
    found = lead(table(first=0.8, second=0.6, third=0.1), True)
    assert found is not None
    assert (found.leader, found.runner_up) == ("first", "second")
    assert found.gap == pytest.approx(0.2)
    assert 0.19 < found.low < 0.2 < found.high < 0.21
    assert found.share == 1
    assert found.is_told_apart
    assert found.groups.empty


def test_lower_is_better_and_ties_share_the_first_place() -> None:
    scores = table(good=0.2, bad=0.6).assign(twin=lambda t: t["good"].iloc[::-1].to_numpy())
    found = lead(scores, False)
    assert found is not None
    assert found.leader == "good"
    assert found.open_with == ("twin",)
    assert found.gap == pytest.approx(0, abs=1e-12)
    assert not found.is_told_apart


def test_who_is_open_to_a_null_baseline_does_not_stand_alone() -> None:
    """One raw p, W = 45 of 210: told apart beside rivals that lose on every image, and not among
    five methods that stand as close to the null baseline."""
    rank = np.arange(1.0, 21)
    null = 0.5 - np.where(np.isin(rank, [14, 15, 16]), -rank, rank) / 100
    methods = {"leader": 0.5 + 0 * rank} | {f"m{n}": 0.5 - n / 1e4 + 0 * rank for n in range(1, 5)}
    scores = pd.DataFrame(methods).assign(null=null)
    found = lead(scores, True, ["null"])
    assert found is not None
    assert found.leader == "leader"
    assert found.open_with == ()
    assert found.groups.loc["leader", "group"] == "open"
    assert not found.stands_alone
    assert lead(scores[["leader", "null"]], True, ["null"]).stands_alone  # type: ignore[union-attr]


def test_means_are_of_the_images_that_all_methods_have() -> None:
    scores = table(a=0.5, b=0.4)
    scores.loc[:9, "a"] = np.nan
    found = lead(scores, True)
    assert found is not None
    assert (found.images, found.left_out) == (30, 10)
    scores.iloc[0] = np.nan  # not of this metric
    assert lead(scores, True).left_out == 9  # type: ignore[union-attr]
    assert lead(scores[["a"]], True) is None
    assert lead(scores.iloc[:5], True) is None


@pytest.mark.parametrize("tests", [1, 20, 231])
def test_the_least_number_of_images_is_the_first_that_can_show_anything(tests: int) -> None:
    least = least_images(tests)
    assert smallest_p(least) * tests < 0.05
    assert least == 10 or smallest_p(least - 1) * tests >= 0.05


def test_twelve_mosaics_can_never_tell_a_pair_of_22_methods_apart() -> None:
    assert least_images(22 * 21 // 2) > 12
