"""Rankings: a run's means as ranks by metric, beside each other and by class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from xai_core.evaluation.power import Discriminating, discriminating_power
from xai_core.findings import results
from xai_core.findings.results import Board

Manifest = dict[str, Any]
LEAST_IN_CLASS = 5
"""Images of a class below which its mean is not drawn."""


def rank_table(found: Board, manifest: Manifest) -> tuple[pd.DataFrame, list[str]]:
    """Methods x ranked metrics: the rank of each mean, 1 is best, and each column's kind.

    Equal methods are counted once and share their rank; methods in the order of their mean rank.
    """
    means = found.summary.pivot_table(index="method", columns="metric", values="mean")
    metrics = [m for m in results.metrics_of(manifest) if m in means]
    ranked = [m for m in metrics if results.is_higher_better(m, manifest) is not None]
    twins = {name: group[0] for group in found.same for name in group[1:]}
    once = means[ranked].drop(index=list(twins), errors="ignore")
    signs = pd.Series({m: -1 if results.is_higher_better(m, manifest) else 1 for m in ranked})
    ranks = (once * signs).rank(method="min")
    for twin, first in twins.items():
        if twin in means.index and first in ranks.index:
            ranks.loc[twin] = ranks.loc[first]
    order = ranks.mean(axis=1).sort_values(kind="stable").index
    kinds = {e["spec"]: str(e["kind"]) for e in manifest["metrics"].values()}
    return ranks.loc[order], [kinds[metric] for metric in ranked]


def aims(found: Board, manifest: Manifest, first: str, second: str) -> pd.DataFrame:
    """Methods with their means in two metrics: name, x, y, baseline."""
    left, right = (results.metric_rows(found, manifest, metric) for metric in (first, second))
    both = left.merge(right[["method", "mean"]], on="method", suffixes=("", "_second"))
    return pd.DataFrame(
        {
            "name": both["name"], "x": both["mean"], "y": both["mean_second"],
            "baseline": both["baseline"],
        }
    )  # fmt: skip


def class_means(
    scores: pd.DataFrame, metric: str, methods: Sequence[str], categories: Sequence[str]
) -> pd.DataFrame:
    """Means by class and method: class, method, mean, n; classes with enough images only."""
    rows = scores[(scores["metric"] == metric) & scores["method"].isin(list(methods))]
    rows = rows.dropna(subset=["score", "label"])
    grouped = rows.groupby(["label", "method"])["score"].agg(["mean", "size"]).reset_index()
    grouped = grouped[grouped["size"] >= LEAST_IN_CLASS]
    grouped["place"] = grouped["method"].map(list(methods).index)
    grouped = grouped.sort_values(["label", "place"])
    return pd.DataFrame(
        {
            "class": [categories[int(label)] for label in grouped["label"]],
            "method": grouped["method"], "mean": grouped["mean"], "n": grouped["size"],
        }
    )  # fmt: skip


def power_table(
    by_metric: Callable[[str], pd.DataFrame], manifest: Manifest, metrics: Sequence[str]
) -> pd.DataFrame:
    """How many pairs of methods each metric tells apart, with and without null baselines.

    `by_metric` gives images x methods; columns title, nulls, share, pairs, apart, images, needed.
    """
    nulls = results.nulls_of(manifest)
    rows = []
    for metric in metrics:
        table = by_metric(metric)
        if table.shape[1] < 2:
            continue
        higher = bool(results.is_higher_better(metric, manifest))
        for with_nulls in (False, True):
            found = discriminating_power(table, higher, () if with_nulls else nulls)
            if found.pairs:
                rows.append(_row(results.metric_title(metric, manifest), with_nulls, found))
    columns = ["title", "nulls", "share", "pairs", "apart", "images", "needed"]
    return pd.DataFrame(rows, columns=columns).astype({"needed": object})


def _row(title: str, nulls: bool, found: Discriminating) -> dict[str, Any]:
    return {
        "title": title, "nulls": nulls, "share": found.share, "pairs": found.pairs,
        "apart": found.apart, "images": found.images, "needed": found.needed,
    }  # fmt: skip


def power_says(table: pd.DataFrame) -> str:
    """The metric that tells most methods apart, and how many reach half of the pairs."""
    own = table[~table["nulls"]]
    if own.empty:
        return ""
    best = own.sort_values("share", ascending=False, kind="stable").iloc[0]
    half = int((own["share"] >= 0.5).sum())
    return (
        f"{best['title'].rstrip(' ↑↓')} tells most methods apart: {best['apart']} of "
        f"{best['pairs']} pairs on n = {best['images']} images, null baselines left out; "
        f"{half} of {len(own)} tell half of the pairs apart."
    )
