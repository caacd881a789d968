"""Tables by metric group: every metric once, bold only by a test, tints in proportion."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from xai_core.evaluation.lead import lead
from xai_core.findings import results
from xai_core.findings.results import goodness, metric_groups, surely_best

RNG = np.random.default_rng(0)


def scores(shift: float, images: int = 40) -> pd.DataFrame:
    """Three methods; `a` is better than the others by `shift` standard deviations."""
    noise = RNG.normal(size=(images, 3))
    return pd.DataFrame(noise + np.array([shift, 0, 0]), columns=["a", "b", "c"])


def test_best_is_what_the_test_tells_apart_with_its_twins() -> None:
    assert surely_best(lead(scores(3.0), True), [("a", "twin"), ("b", "x")]) == {"a", "twin"}


def test_nothing_is_best_by_a_hair_or_on_few_images() -> None:
    assert surely_best(lead(scores(0.05), True), []) == set()
    assert surely_best(lead(scores(3.0, images=4), True), []) == set()
    assert surely_best(None, []) == set()


def test_the_leader_that_one_method_equals_is_not_best() -> None:
    table = scores(3.0)
    table["c"] = table["a"] + RNG.normal(size=40) * 0.5
    assert surely_best(lead(table, True), []) == set()


@pytest.mark.parametrize(
    ("higher", "expected"), [(True, [0.0, 0.5, 1.0]), (False, [1.0, 0.5, 0.0])]
)
def test_a_tint_is_in_proportion_to_the_better_side(higher: bool, expected: list[float]) -> None:
    assert list(goodness(pd.Series([2.0, 3.0, 4.0]), higher)) == expected


def test_every_metric_is_in_one_group_and_the_headline_is_first() -> None:
    kinds = {
        "insertion": "faithfulness",
        "average_drop": "faithfulness",
        "best_iou": "localisation",
    }
    manifest = {
        "methods": {},
        "metrics": {
            name: {
                "spec": name,
                "name": name,
                "label": name,
                "kind": kind,
                "higher_is_better": True,
            }
            for name, kind in kinds.items()
        },
    }
    titles = [results.metric_title(name, manifest) for name in kinds]
    table = pd.DataFrame({results.HEADLINE_RANK: [1.0], **dict.fromkeys(titles, 0.5)})
    assert metric_groups(table, manifest) == {
        "Headline": [results.HEADLINE_RANK, titles[0]],
        "More faithfulness": [titles[1]],
        "Localisation": [titles[2]],
        "Cost": ["Family", "Seconds per image"],
    }
