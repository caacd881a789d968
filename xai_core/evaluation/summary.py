"""Summary: scores per image -> one row per method and metric; read without torch.

The one rule for undefined scores: they enter no mean, no interval and no rank; they are counted.
In a ranking, an image counts only where every method is defined; a method that is undefined on
more than half of the images is left out of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from xai_core.evaluation.statistics import (
    RESAMPLES,
    bca_intervals,
    identical_groups,
    ranks_per_image,
)

Manifest = Mapping[str, Any]
RANKED_KINDS = ("faithfulness", "localisation", "stability", "ground truth")
CELL = ["method", "metric"]


def chosen(
    scores: pd.DataFrame,
    *,
    labels: Collection[int] | None = None,
    levels: Collection[int] | None = None,
    correct: bool | None = None,
) -> pd.DataFrame:
    """The scores of some classes, of some levels, of right (or wrong) predictions only."""
    keep = pd.Series(True, index=scores.index)
    if labels is not None:
        keep &= scores["label"].isin(list(labels)).fillna(False).astype(bool)
    if levels is not None:
        keep &= scores["level"].isin(list(levels)).fillna(False).astype(bool)
    if correct is not None:
        right = scores["predicted"] == scores["label"]
        keep &= (right if correct else ~right).fillna(False).astype(bool)
    return scores[keep]


def summarise(scores: pd.DataFrame, *, resamples: int = RESAMPLES, seed: int = 0) -> pd.DataFrame:
    """One row per method and metric, over images.

    Columns method, method_key, metric, metric_key, mean, median, low and high (95 % BCa bootstrap
    interval of the mean), n (defined scores), undefined; attribute_seconds and score_seconds
    (medians, as the first pass of a process takes longer).
    """
    if scores.empty:
        columns = [*CELL, "method_key", "metric_key", "mean", "median", "low", "high", "n"]
        return pd.DataFrame(columns=[*columns, "undefined", "attribute_seconds", "score_seconds"])
    keys = ["method", "method_key", "metric", "metric_key"]
    grouped = scores.groupby(keys, sort=False)
    table = grouped.agg(
        mean=("score", "mean"),
        median=("score", "median"),
        n=("score", "count"),
        rows=("score", "size"),
        attribute_seconds=("attribute_seconds", "median"),
        score_seconds=("score_seconds", "median"),
    ).reset_index()
    table["undefined"] = table.pop("rows") - table["n"]
    wide = scores.pivot_table(
        index="image_sha256", columns=CELL, values="score", dropna=False, sort=False
    )
    intervals = bca_intervals(wide, resamples, seed).reindex(pd.MultiIndex.from_frame(table[CELL]))
    table["low"], table["high"] = intervals["low"].to_numpy(), intervals["high"].to_numpy()
    order = [*keys, "mean", "median", "low", "high", "n", "undefined"]
    return table[[*order, "attribute_seconds", "score_seconds"]]


def by_metric(scores: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """`scores_by_method` of every metric."""
    return {
        str(metric): scores_by_method(scores, str(metric)) for metric in scores["metric"].unique()
    }


def scores_by_method(scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Images x methods of one metric, NaN where undefined."""
    rows = scores[scores["metric"] == metric]
    return rows.pivot_table(
        index="image_sha256", columns="method", values="score", dropna=False, sort=False
    )


def rankable(by_method: pd.DataFrame) -> pd.DataFrame:
    """Images x methods without the methods that are undefined on more than half of the images."""
    return by_method.loc[:, by_method.isna().mean() <= 0.5]


def directions(manifest: Manifest, ranked_only: bool = True) -> dict[str, bool]:
    """Metric spec -> whether higher is better, for the metrics that enter rankings."""
    return {
        metric["spec"]: metric["higher_is_better"]
        for metric in manifest["metrics"].values()
        if metric["higher_is_better"] is not None
        and (metric["kind"] in RANKED_KINDS or not ranked_only)
    }


def summarise_ranks(tables: Mapping[str, pd.DataFrame], manifest: Manifest) -> pd.DataFrame:
    """Methods x ranked metrics: mean rank within the image, 1 is best; NaN where left out.

    `tables` are images x methods of each metric, as of `by_metric`.
    """
    table = {}
    for metric, higher in directions(manifest).items():
        by_method = rankable(tables.get(metric, pd.DataFrame()))
        if by_method.shape[1] > 1:
            table[metric] = ranks_per_image(by_method, higher).mean()
    return pd.DataFrame(table)


def oriented_means(scores: pd.DataFrame, manifest: Manifest) -> pd.DataFrame:
    """Methods x ranked metrics: means with the sign turned so that higher is better."""
    means = scores.pivot_table(index="method", columns="metric", values="score", sort=False)
    return pd.DataFrame(
        {
            metric: means[metric] * (1 if higher else -1)
            for metric, higher in directions(manifest).items()
            if metric in means
        }
    )


def same_methods(scores: pd.DataFrame, manifest: Manifest) -> list[tuple[str, ...]]:
    """Groups of methods that coincide on this model in all ranked metrics, in the run's order."""
    return same_in(by_metric(scores), manifest)


def same_in(tables: Mapping[str, pd.DataFrame], manifest: Manifest) -> list[tuple[str, ...]]:
    """`same_methods` of images x methods of each metric; scores nobody has differ in nothing."""
    ranked = {m: tables[m] for m in directions(manifest) if m in tables and len(tables[m])}
    if not ranked:
        return []
    images = pd.concat([pd.Series(table.index) for table in ranked.values()]).unique()
    wide = pd.concat(
        {metric: table.reindex(images) for metric, table in ranked.items()}, names=["metric"]
    ).swaplevel()
    order = [entry["spec"] for entry in manifest.get("methods", {}).values()]
    listed = [spec for spec in order if spec in wide]
    return identical_groups(wide[[*listed, *wide.columns.difference(listed, sort=False)]])
