"""Two runs of made-up scores: what is shared, what the second gains, what is said of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xai_core.evaluation.two_runs import paired_gains, two_runs
from xai_core.findings import two_runs_wording

MANIFEST: dict[str, Any] = {
    "dataset": "own",
    "classifier": {"name": "net", "categories": ["a", "b"]},
    "methods": {m: {"spec": m, "label": m.upper()} for m in ("cam", "lime", "rise")},
    "metrics": {"deletion": {"spec": "deletion", "label": "Deletion", "higher_is_better": False}},
}
N = 30
NOISE = np.random.default_rng(0).normal(0, 0.02, (3, N))


def scores(shift: dict[str, float], images: range = range(N), key: str = "1") -> pd.DataFrame:
    """Deletion of three methods; `shift` is added to a method's score on every image."""
    return pd.DataFrame(
        [
            {
                "image_sha256": f"sha{image}", "method": method, "method_key": method + key,
                "metric": "deletion", "metric_key": "d", "target": image % 2,
                "score": 0.5 + 0.01 * image + shift.get(method, 0.0) + NOISE[place, image % N]
                * (method in shift),
            }
            for place, method in enumerate(("cam", "lime", "rise"))
            for image in images
        ]
    )  # fmt: skip


FIRST, SECOND = scores({}), scores({"cam": -0.1, "lime": 0.1, "rise": 0.0})


def test_gains_are_the_mean_paired_differences_with_the_better_side_positive() -> None:
    both = two_runs(FIRST, SECOND, MANIFEST, MANIFEST)
    table = paired_gains(both, "deletion", higher_is_better=False).set_index("method")
    assert (both.images, both.same_class) == (N, N)
    for place, (method, shift) in enumerate({"cam": -0.1, "lime": 0.1, "rise": 0.0}.items()):
        differences = -(shift + NOISE[place])
        assert table.loc[method, "gain"] == pytest.approx(differences.mean(), abs=1e-12)
        p = stats.wilcoxon(differences, zero_method="pratt", method="exact").pvalue
        assert table.loc[method, "p"] == pytest.approx(p, rel=1e-9)
    ps = table["p"].sort_values()
    slow = np.maximum.accumulate(ps.to_numpy() * [3, 2, 1]).clip(max=1)  # Holm, written out
    np.testing.assert_allclose(table["p_holm"][ps.index], slow)
    assert table.loc["cam", "low"] < table.loc["cam", "gain"] < table.loc["cam", "high"]


def test_exchanging_the_runs_turns_the_gains() -> None:
    there = paired_gains(two_runs(FIRST, SECOND, MANIFEST, MANIFEST), "deletion", False)
    back = paired_gains(two_runs(SECOND, FIRST, MANIFEST, MANIFEST), "deletion", False)
    np.testing.assert_allclose(there["gain"], -back["gain"])
    np.testing.assert_allclose(there["p_holm"], back["p_holm"])
    np.testing.assert_array_equal(there["wins"], back["losses"])


def test_a_run_against_itself_is_not_told_apart() -> None:
    table = paired_gains(two_runs(FIRST, FIRST, MANIFEST, MANIFEST), "deletion", False)
    assert (table["gain"] == 0).all()
    assert (table["p_holm"] == 1).all()
    said = two_runs_wording.gains_say(table, "deletion", "one", "two", MANIFEST)
    assert said == "In deletion one and two are not told apart for CAM, LIME and RISE."


def test_the_sentence_follows_from_the_tests() -> None:
    both = two_runs(FIRST, SECOND, MANIFEST, MANIFEST)
    table = paired_gains(both, "deletion", False)
    said = two_runs_wording.gains_say(table, "deletion", "one", "two", MANIFEST)
    assert said == (
        "In deletion two is better than one for CAM; worse for LIME; they are not told apart for "
        "RISE."
    )
    assert two_runs_wording.shared_says(both, "one", "two", MANIFEST) == (
        "one and two share 30 images of own; each explains what its own model predicts, on 30 of "
        "them the same class."
    )


def test_a_test_whose_interval_disagrees_tells_nothing_apart() -> None:
    """Two images lose much, 28 gain a little: ranks say better, the mean's interval does not."""
    second = scores({})
    cam = second["method"] == "cam"
    second.loc[cam, "score"] -= 0.001 * (1 + np.arange(N) / N)
    second.loc[cam & second["image_sha256"].isin(["sha0", "sha1"]), "score"] += 0.5
    both = two_runs(FIRST, second, MANIFEST, MANIFEST)
    row = paired_gains(both, "deletion", False).set_index("method").loc["cam"]
    assert row["p_holm"] < 0.05
    assert row["low"] < 0 < row["high"]
    assert not row["told_apart"]


def test_three_images_are_too_few() -> None:
    few = two_runs(FIRST, scores({"cam": -0.1}, range(3)), MANIFEST, MANIFEST)
    table = paired_gains(few, "deletion", False)
    said = two_runs_wording.gains_say(table, "deletion", "one", "two", MANIFEST)
    assert said == "In deletion 3 images are too few to tell the two runs apart."


def test_only_what_both_have_counts() -> None:
    part = two_runs(FIRST, scores({}, range(20, 50)), MANIFEST, MANIFEST)
    assert part.images == 10
    assert set(paired_gains(part, "deletion", False)["n"]) == {10}
    renamed = {**MANIFEST, "classifier": {"name": "other", "categories": ["b", "a"]}}
    assert two_runs(FIRST, SECOND, MANIFEST, renamed).same_class == 0


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (scores({}, range(100, 120)), "one and two have no image in common, so no paired test"),
        (scores({}, key="2"), "one and two have no method and metric with the same settings"),
    ],
)
def test_runs_that_cannot_be_paired_are_one_sentence(second: pd.DataFrame, said: str) -> None:
    both = two_runs(FIRST, second, MANIFEST, MANIFEST)
    problem = two_runs_wording.problem(both, "one", "two")
    assert problem.startswith(said)
    assert problem.count(". ") == 0
    assert paired_gains(both, "deletion", False).empty
