"""Ranks, aims, classes and power from small tables, and what their charts draw."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
from drawing import rank_charts
from runs import rankings

from xai_core.findings.results import Board

KINDS = {"insertion": ("faithfulness", True), "deletion": ("faithfulness", False),
         "best_iou": ("localisation", True)}  # fmt: skip
MANIFEST: dict[str, Any] = {
    "methods": {m: {"spec": m, "name": m, "label": m.upper(), "family": family}
                for m, family in (("a", "CAM"), ("b", "CAM"), ("c", "CAM"), ("z", "baseline"))},
    "metrics": {m: {"spec": m, "name": m, "label": m, "kind": kind, "higher_is_better": higher}
                for m, (kind, higher) in KINDS.items()},
}  # fmt: skip
MEANS = {"insertion": [0.9, 0.5, 0.9, 0.1], "deletion": [0.3, 0.1, 0.3, 0.2],
         "best_iou": [0.2, np.nan, 0.2, 0.4]}  # fmt: skip


def board() -> Board:
    """Methods a (twin c), b and the null baseline z."""
    rows = [
        {"method": method, "metric": metric, "mean": mean, "low": mean, "high": mean, "n": 9,
         "attribute_seconds": 1.0}
        for metric, means in MEANS.items() for method, mean in zip("abcz", means, strict=True)
    ]  # fmt: skip
    return Board(pd.DataFrame(rows), pd.DataFrame(), (("a", "c"),), 9)


def spec(chart: Any) -> dict[str, Any]:
    return dict(json.loads(chart.to_json()))


def test_ranks_turn_with_the_better_side_and_twins_share_one() -> None:
    ranks, kinds = rankings.rank_table(board(), MANIFEST)
    assert ranks.loc["a"].tolist() == ranks.loc["c"].tolist() == [3, 1, 2]
    assert ranks.loc["z"].tolist() == [2, 3, 1]
    assert ranks.loc["b", ["insertion", "deletion"]].tolist() == [2, 1]
    assert np.isnan(ranks.loc["b", "best_iou"])
    assert kinds == ["faithfulness", "faithfulness", "localisation"]


def test_the_heat_table_writes_ranks_and_names_each_group_once() -> None:
    ranks, kinds = rankings.rank_table(board(), MANIFEST)
    drawn = spec(rank_charts.draw_ranks(ranks, list(ranks.index), kinds))
    heat, groups = drawn["data"]
    at_b = heat["text"][list(ranks.index).index("b")]
    assert at_b == ["1", "2", "–"]
    assert groups["text"] == ["faithfulness", "localisation"]
    assert groups["x"] == ["deletion", "best_iou"]
    rows = drawn["layout"]["yaxis"]
    assert dict(zip(rows["tickvals"], rows["ticktext"], strict=True)) == dict(
        zip(heat["y"], ranks.index, strict=True)
    )
    assert set(groups["y"]) == {-1}  # above the first row, which is 0
    assert [shape["x0"] for shape in drawn["layout"]["shapes"]] == [1.5]


def test_the_cross_hair_is_at_the_null_baselines() -> None:
    rows = rankings.aims(board(), MANIFEST, "best_iou", "insertion")
    assert set(rows["name"]) == {"A", "C", "Z"}  # B has no score in one of them
    drawn = spec(rank_charts.draw_aims(rows, ("Best IoU", "Insertion"), (0.4, 0.1)))
    upright, level = drawn["layout"]["shapes"]
    assert (upright["x0"], level["y0"]) == (0.4, 0.1)
    assert [trace["name"] for trace in drawn["data"]] == ["methods", "null baselines"]


def test_means_by_class_leave_small_classes_out() -> None:
    labels = [0] * 6 + [1] * 4
    scores = pd.DataFrame(
        {"metric": "insertion", "method": "a", "label": labels, "score": [0.5] * 5 + [1.1] * 5}
    )
    means = rankings.class_means(scores, "insertion", ["a"], ["apple", "pear"])
    assert means.to_dict("records") == [{"class": "apple", "method": "a", "mean": 0.6, "n": 6}]
    drawn = spec(rank_charts.draw_classes(means, {"a": "A"}, "Insertion"))
    assert drawn["data"][0]["y"] == ["apple"]


def test_power_counts_pairs_with_and_without_null_baselines() -> None:
    noise = np.random.default_rng(0).normal(size=(40, 3))
    table = pd.DataFrame(noise + np.array([0, 0, 50]), columns=["a", "b", "z"])
    rows = rankings.power_table(lambda _: table, MANIFEST, ["insertion"])
    assert rows[["nulls", "pairs", "apart"]].to_numpy().tolist() == [[False, 1, 0], [True, 3, 2]]
    assert "0 of 1 pairs on n = 40 images" in rankings.power_says(rows)
    drawn = spec(rank_charts.draw_power(rows))
    assert drawn["data"][0]["y"][0].partition("<br>")[2].startswith("n = 40, needs ")
    assert drawn["data"][0]["y"] == drawn["data"][1]["y"]  # both bars in one row
