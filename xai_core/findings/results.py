"""Results: a run's scores as the tables that result pages show; no torch, no Streamlit."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from xai_core import headline
from xai_core.evaluation.lead import LEAST_IMAGES, Lead, lead
from xai_core.evaluation.statistics import (
    Friedman,
    friedman,
)
from xai_core.evaluation.summary import (
    by_metric,
    chosen,
    rankable,
    same_in,
    scores_by_method,
    summarise,
    summarise_ranks,
)
from xai_core.ground_truth.verdict import ORACLE
from xai_core.titles import label_of

HEADLINE_RANK = "Headline rank"
Floats = npt.NDArray[np.float64]
Manifest = dict[str, Any]


@dataclass(frozen=True)
class Filters:
    """Which images count: class indices, levels (empty: all), and "all", "right" or "wrong"."""

    labels: tuple[int, ...] = ()
    levels: tuple[int, ...] = ()
    outcome: str = "all"

    def of(self, scores: pd.DataFrame) -> pd.DataFrame:
        return chosen(
            scores,
            labels=self.labels or None,
            levels=self.levels or None,
            correct={"right": True, "wrong": False}.get(self.outcome),
        )


@dataclass(frozen=True)
class Board:
    """A run's summary: one row per method and metric, mean ranks, and what coincides."""

    summary: pd.DataFrame
    ranks: pd.DataFrame
    same: tuple[tuple[str, ...], ...]
    images: int


def board(scores: pd.DataFrame, manifest: Manifest) -> Board:
    """The summary of some scores; the headline rank counts equal methods once."""
    return board_of(by_metric(scores), summarise(scores), manifest)


def board_of(
    tables: Mapping[str, pd.DataFrame], summary: pd.DataFrame, manifest: Manifest
) -> Board:
    """The same of images x methods of each metric, and their summary."""
    groups = same_in(tables, manifest)
    twins = {name for group in groups for name in group[1:]}
    once = {metric: table.drop(columns=twins, errors="ignore") for metric, table in tables.items()}
    ranks = summarise_ranks(once, manifest)
    for group in groups:
        for twin in group[1:]:
            if group[0] in ranks.index:
                ranks.loc[twin] = ranks.loc[group[0]]
    same = tuple(group for group in groups if len(group) > 1)
    images = set().union(*(table.index for table in tables.values()))
    return Board(summary, ranks, same, len(images))


def _entry(manifest: Manifest, kind: str, spec: str) -> dict[str, Any]:
    return next((e for e in manifest[kind].values() if e["spec"] == spec), {})


def metric_title(metric: str, manifest: Manifest) -> str:
    """A metric's title with the arrow to its better side."""
    entry = _entry(manifest, "metrics", metric)
    better = entry.get("higher_is_better")
    arrow = "" if better is None else " ↑" if better else " ↓"
    return f"{entry.get('label', metric)}{arrow}"


def method_title(method: str, manifest: Manifest) -> str:
    return str(_entry(manifest, "methods", method).get("label") or label_of(method))


def is_higher_better(metric: str, manifest: Manifest) -> bool | None:
    return _entry(manifest, "metrics", metric).get("higher_is_better")


def family_of(method: str, manifest: Manifest) -> str:
    return str(_entry(manifest, "methods", method).get("family", ""))


def metrics_of(manifest: Manifest, kinds: Sequence[str] = ()) -> list[str]:
    """The run's metrics: ranked kinds first, in the manifest's order."""
    order = ("ground truth", "faithfulness", "localisation", "stability", "descriptive", "check")
    entries = [e for e in manifest["metrics"].values() if not kinds or e["kind"] in kinds]
    return [
        e["spec"]
        for e in sorted(entries, key=lambda e: (order.index(e["kind"]), _headline(e["name"])))
    ]


def _headline(metric: str) -> int:
    return headline.SHOWN.index(metric) if metric in headline.SHOWN else len(headline.SHOWN)


def metric_rows(found: Board, manifest: Manifest, metric: str) -> pd.DataFrame:
    """One metric, best method first: name, mean, low, high, n, family, baseline, seconds."""
    rows = found.summary[found.summary["metric"] == metric].dropna(subset="mean").copy()
    rows["name"] = [method_title(m, manifest) for m in rows["method"]]
    rows["family"] = [family_of(m, manifest) for m in rows["method"]]
    rows["baseline"] = rows["family"] == "baseline"
    rows["seconds"] = rows["attribute_seconds"].clip(lower=1e-4)
    higher = _entry(manifest, "metrics", metric).get("higher_is_better")
    return rows.sort_values("mean", ascending=higher is False)


def floor_of(rows: pd.DataFrame) -> float | None:
    """The best null baseline's mean, where there is one; `rows` as from `metric_rows`."""
    baselines = rows.loc[rows["baseline"], "mean"]
    return float(baselines.iloc[0]) if len(baselines) else None


def mean_table(found: Board, manifest: Manifest) -> pd.DataFrame:
    """Methods x metrics: means, best headline rank first, indexed by the methods' specs.

    The rank is over the declared headline metrics; a run without them has no such column and keeps
    its own order.
    """
    means = found.summary.pivot_table(index="method", columns="metric", values="mean", sort=False)
    columns = [metric for metric in metrics_of(manifest) if metric in means]
    table = means[columns].rename(columns=lambda metric: metric_title(metric, manifest))
    ranked = [metric for metric in headline.RANKED if metric in found.ranks]
    if ranked:
        ranks = found.ranks[ranked].dropna().mean(axis=1)
        table.insert(0, HEADLINE_RANK, ranks.reindex(table.index))
    table.insert(0, "Family", [family_of(m, manifest) for m in table.index])
    table.insert(0, "Method", [method_title(m, manifest) for m in table.index])
    seconds = found.summary.groupby("method")["attribute_seconds"].median()
    table["Seconds per image"] = seconds.reindex(table.index)
    if ranked:
        return table.sort_values(HEADLINE_RANK, na_position="last")
    specs = (entry["spec"] for entry in manifest["methods"].values())
    return table.loc[[spec for spec in specs if spec in table.index]]


def metric_groups(table: pd.DataFrame, manifest: Manifest) -> dict[str, list[str]]:
    """Columns of `mean_table` by group, each few enough to be seen whole: title -> columns."""
    groups: dict[str, list[str]] = {}
    for metric in metrics_of(manifest):
        title = metric_title(metric, manifest)
        if title in table:
            kind = "Headline" if metric in headline.SHOWN else _kind_title(metric, manifest)
            groups.setdefault(kind, []).append(title)
    if HEADLINE_RANK in table and "Headline" in groups:
        groups["Headline"].insert(0, HEADLINE_RANK)
    return {**groups, "Cost": ["Family", "Seconds per image"]}


def _kind_title(metric: str, manifest: Manifest) -> str:
    kind = str(_entry(manifest, "metrics", metric)["kind"])
    return {"faithfulness": "More faithfulness", "check": "Checks"}.get(kind, kind.capitalize())


def goodness(values: pd.Series[float], higher: bool) -> pd.Series[float]:
    """0 for the worst and 1 for the best of a column, in proportion; NaN where undefined."""
    span = float(values.max() - values.min())
    risen = (values - values.min()) / span if span > 0 else values * 0.0
    return risen if higher else 1 - risen


def surely_best(leading: Lead | None, same: Sequence[Sequence[str]]) -> set[str]:
    """The methods that a paired test tells apart from every other one: one with its twins."""
    if leading is None or not leading.stands_alone:
        return set()
    twins = next((group for group in same if leading.leader in group), ())
    return {leading.leader, *twins}


def interval_table(found: Board, manifest: Manifest) -> pd.DataFrame:
    """One row per method and metric, with interval, n and undefined scores, in the run's order."""
    known = [*metrics_of(manifest), *(entry["spec"] for entry in manifest["methods"].values())]
    places = {spec: place for place, spec in enumerate(known)}
    summary = found.summary.sort_values(["metric", "method"], key=lambda specs: specs.map(places))
    return pd.DataFrame(
        {
            "Method": [method_title(m, manifest) for m in summary["method"]],
            "Metric": [metric_title(m, manifest) for m in summary["metric"]],
            "Mean": summary["mean"],
            "CI low": summary["low"],
            "CI high": summary["high"],
            "Median": summary["median"],
            "n": summary["n"],
            "Undefined": summary["undefined"],
        }
    )


def compared(
    scores: pd.DataFrame, manifest: Manifest, metric: str, same: Sequence[Sequence[str]]
) -> pd.DataFrame:
    """Images x methods of one ranked metric, equal methods once; empty for descriptive metrics."""
    return compared_in(scores_by_method(scores, metric), manifest, metric, same)


def compared_in(
    table: pd.DataFrame, manifest: Manifest, metric: str, same: Sequence[Sequence[str]]
) -> pd.DataFrame:
    """The same of images x methods of the metric."""
    by_method = rankable(table)
    twins = {name for group in same for name in group[1:] if group[0] in by_method}
    by_method = by_method[[m for m in by_method if m not in twins]]
    if is_higher_better(metric, manifest) is None or len(by_method.dropna()) < 2:
        return by_method.iloc[:, :0]
    return by_method


def nulls_of(manifest: Manifest) -> list[str]:
    """The null baselines of a run; the oracle is none."""
    entries = manifest["methods"].values()
    return [e["spec"] for e in entries if e["family"] == "baseline" and e["spec"] != ORACLE]


def standing(
    by_method: pd.DataFrame, higher: bool, nulls: Collection[str] = ()
) -> tuple[Friedman | None, Lead | None]:
    """Friedman's test, where there are enough methods and images, and who leads."""
    enough = by_method.shape[1] >= 3 and len(by_method.dropna()) >= LEAST_IMAGES
    return friedman(by_method, higher) if enough else None, lead(by_method, higher, nulls)


@dataclass(frozen=True)
class Finished:
    """How far an unfinished run is: the images that all methods have, of those asked for."""

    images: int
    asked: int


def is_done(state: str) -> bool:
    """Whether a run of this state, as in its status, has all that was asked for."""
    return state in ("", "done")


def finished(scores: pd.DataFrame, manifest: Manifest, state: str) -> Finished | None:
    """None for a run that is done; `state` as in the run's status."""
    if is_done(state):
        return None
    methods = scores.groupby("image_sha256")["method"].nunique()
    whole = int((methods == len(manifest["methods"])).sum())
    asked = int(manifest.get("asked", len(manifest["images"])))
    return Finished(whole, asked) if whole < asked else None


def merged(
    rows: pd.DataFrame, same: Sequence[Sequence[str]], names: dict[str, str]
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Rows and names in which methods that coincide are one: "CAM = Grad-CAM"."""
    there, names = list(dict.fromkeys(rows["method"])), dict(names)
    for group in same:
        first, *twins = [m for m in there if m in group] or [""]
        if twins:
            names[first] = " = ".join(names[m] for m in (first, *twins))
            rows = rows[~rows["method"].isin(twins)]
    return rows, names


def examples(scores: pd.DataFrame, method: str, metric: str, higher: bool) -> pd.DataFrame:
    """The best, median and worst images behind one cell: image, score and place."""
    rows = scores[(scores["method"] == method) & (scores["metric"] == metric)]
    rows = rows.dropna(subset="score").sort_values("score", ascending=not higher)
    if rows.empty:
        return rows
    middle = len(rows) // 2
    places = {
        "best": rows.iloc[:3],
        "median": rows.iloc[max(0, middle - 1) : middle + 2],
        "worst": rows.iloc[-3:],
    }
    return pd.concat([part.assign(place=place) for place, part in places.items()])
