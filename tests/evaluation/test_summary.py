"""Summaries: one row per method and metric, undefined scores counted and left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from xai_core.evaluation.statistics import bca_interval
from xai_core.evaluation.summary import (
    by_metric,
    chosen,
    directions,
    oriented_means,
    same_methods,
    scores_by_method,
    summarise,
    summarise_ranks,
)

METRICS: dict[str, Any] = {
    "up": {"spec": "up", "kind": "faithfulness", "higher_is_better": True},
    "down": {"spec": "down", "kind": "faithfulness", "higher_is_better": False},
    "style": {"spec": "style", "kind": "descriptive", "higher_is_better": None},
}
MANIFEST = {"metrics": METRICS}


@pytest.fixture
def scores() -> pd.DataFrame:
    random = np.random.default_rng(0)
    rows = [
        {
            "image_sha256": f"{image:02d}",
            "method": method,
            "method_key": method,
            "metric": metric,
            "metric_key": metric,
            "score": random.normal(offset if metric == "up" else -offset),
            "label": image % 3,
            "level": 1 + image % 2,
            "predicted": 0,
            "attribute_seconds": 0.5,
            "score_seconds": 0.25,
        }
        for image in range(30)
        for offset, method in enumerate(("bad", "fair", "good"))
        for metric in METRICS
    ]
    frame = pd.DataFrame(rows).astype(dict.fromkeys(("label", "level", "predicted"), "Int32"))
    twin = frame[frame["method"] == "good"].assign(method="twin", method_key="twin")
    return pd.concat([frame, twin], ignore_index=True)


def test_cells_are_means_with_bca_intervals(scores: pd.DataFrame) -> None:
    scores.loc[(scores["method"] == "fair") & (scores["image_sha256"] < "04"), "score"] = np.nan
    table = summarise(scores).set_index(["method", "metric"])
    assert len(table) == 12
    fair = table.loc[("fair", "up")]
    assert (fair["n"], fair["undefined"]) == (26, 4)
    values = scores[(scores["method"] == "fair") & (scores["metric"] == "up")]["score"].dropna()
    assert fair["mean"] == pytest.approx(values.mean())
    assert fair["median"] == pytest.approx(values.median())
    low, high = bca_interval(values.to_numpy()[:, None])[0]
    assert (fair["low"], fair["high"]) == pytest.approx((low, high))
    assert table.loc[("good", "up"), "attribute_seconds"] == 0.5


def test_an_empty_table_and_a_cell_without_any_defined_score(scores: pd.DataFrame) -> None:
    assert summarise(scores.iloc[:0]).empty
    scores.loc[scores["method"] == "bad", "score"] = np.nan
    bad = summarise(scores).set_index(["method", "metric"]).loc[("bad", "up")]
    assert bad["n"] == 0
    assert bad["undefined"] == 30
    assert np.isnan(bad["low"])


def test_filters(scores: pd.DataFrame) -> None:
    assert set(chosen(scores, labels=[1])["label"]) == {1}
    assert set(chosen(scores, levels=[2])["level"]) == {2}
    assert set(chosen(scores, correct=True)["label"]) == {0}
    assert len(chosen(scores, correct=True)) + len(chosen(scores, correct=False)) == len(scores)


def test_ranks_and_directions(scores: pd.DataFrame) -> None:
    assert directions(MANIFEST) == {"up": True, "down": False}
    ranks = summarise_ranks(by_metric(scores), MANIFEST)
    assert list(ranks.columns) == ["up", "down"]
    assert (ranks.loc["good"] < ranks.loc["bad"]).all()
    assert ranks.loc["good"].tolist() == ranks.loc["twin"].tolist()
    means = oriented_means(scores, MANIFEST)
    assert (means.loc["good"] > means.loc["bad"]).all()
    by_method = scores_by_method(scores, "up")
    assert by_method.shape == (30, 4)


def test_methods_that_coincide_are_grouped(scores: pd.DataFrame) -> None:
    assert same_methods(scores, MANIFEST) == [("bad",), ("fair",), ("good", "twin")]


def test_a_method_mostly_undefined_leaves_the_ranking(scores: pd.DataFrame) -> None:
    mostly = (scores["method"] == "bad") & (scores["image_sha256"] < "20")
    scores.loc[mostly, "score"] = np.nan
    ranks = summarise_ranks(by_metric(scores), MANIFEST)
    assert "bad" not in ranks.index or ranks.loc["bad"].isna().all()
    assert ranks.loc["fair"].notna().all()
