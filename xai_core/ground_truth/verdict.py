"""Verdict: what the benchmarks say about methods and about metrics; pandas only, no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from xai_core.evaluation.agreement import agreement, pair_orders
from xai_core.evaluation.contrast import CAM_FAMILY
from xai_core.evaluation.statistics import holm
from xai_core.evaluation.summary import (
    directions,
    oriented_means,
    same_methods,
    scores_by_method,
)

Manifest = Mapping[str, Any]
ORACLE = "oracle"
TRUTH = "ground truth"
TRUST_COLUMNS = ["metric", "kind", "tau", "low", "high", "p_value", "p_holm", "methods"]
RESAMPLES = 2000


def truth_metrics(manifest: Manifest) -> list[str]:
    """The benchmarks of a run that know what the model uses, by spec."""
    return [m["spec"] for m in manifest["metrics"].values() if m["kind"] == TRUTH]


def truth_means(scores: pd.DataFrame, manifest: Manifest) -> pd.DataFrame:
    """Methods x benchmarks: means turned so that higher is better, without the oracle.

    Of methods that coincide on this model only the first is kept, as in every ranking.
    """
    own = scores[scores["method"] != ORACLE]
    means = oriented_means(own, manifest)
    means = means[[name for name in truth_metrics(manifest) if name in means]]
    return means.drop(index=twins(own, manifest), errors="ignore").dropna(axis=1, how="all")


def twins(scores: pd.DataFrame, manifest: Manifest) -> list[str]:
    """Methods that score like an earlier one in everything."""
    return [name for group in same_methods(scores, manifest) for name in group[1:]]


def truth_ranking(means: pd.DataFrame) -> pd.Series[float]:
    """Benchmark rank of each method: its mean rank over the benchmarks, 1 is best.

    Only methods that have them all; of a benchmark's variants only the first counts.
    """
    return means[once(means)].dropna().rank(ascending=False).mean(axis=1).sort_values()


def once(means: pd.DataFrame) -> list[str]:
    """The columns without variants of an earlier one: they rest on the same interventions."""
    first: dict[str, str] = {}
    for spec in map(str, means.columns):
        first.setdefault(spec.partition("[")[0], spec)
    return list(first.values())


def benchmark_ranks(
    scores: pd.DataFrame, manifest: Manifest, resamples: int = RESAMPLES
) -> pd.DataFrame:
    """`truth_ranking` with what other images would have given, best first.

    Columns rank, low and high (95 % percentile interval over bootstrap samples of the images,
    seed 0; all benchmarks are resampled with the same images) and first: the share of samples in
    which the method ranks first, ties shared.
    """
    means = truth_means(scores, manifest)
    ranking = truth_ranking(means)
    table = pd.DataFrame({"rank": ranking, "low": np.nan, "high": np.nan, "first": np.nan})
    if table.empty:
        return table
    ranks = _resampled_ranks(scores, means.loc[ranking.index, once(means)], manifest, resamples)
    best = ranks == np.nanmin(ranks, axis=1, keepdims=True)
    low, high = np.nanquantile(ranks, [0.025, 0.975], axis=0)
    first = (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
    return table.assign(low=low, high=high, first=first)


def _resampled_ranks(
    scores: pd.DataFrame, means: pd.DataFrame, manifest: Manifest, resamples: int
) -> np.ndarray[Any, Any]:
    """(resamples, methods): mean ranks over the benchmarks, each time on other images."""
    higher = directions(manifest)
    images = pd.Index(sorted(scores["image_sha256"].unique()))
    shares = np.full(len(images), 1 / len(images))
    weights = np.random.default_rng(0).multinomial(len(images), shares, resamples).astype(float)
    ranks = np.zeros((resamples, len(means)))
    for metric in means:
        table = scores_by_method(scores, str(metric)).reindex(index=images, columns=means.index)
        values = table.to_numpy(dtype=float) * (1 if higher[str(metric)] else -1)
        defined = np.isfinite(values)
        with np.errstate(invalid="ignore", divide="ignore"):
            drawn = (weights @ np.where(defined, values, 0)) / (weights @ defined.astype(float))
        drawn = np.where(np.isnan(drawn), -np.inf, drawn)  # a sample without a defined score
        ranks += stats.rankdata(-drawn, axis=1) / means.shape[1]
    return ranks


def counted(methods: Sequence[str], manifest: Manifest) -> list[str]:
    """The methods that count where metrics are judged: no null baseline, a family only once.

    CAM, SeCAM and their controls are one family, and so are variants of one method.
    """
    families = {m["spec"]: m.get("family") for m in manifest["methods"].values()}
    first: dict[str, str] = {}
    for spec in methods:
        name = spec.partition("[")[0]
        if families.get(spec) != "baseline":
            first.setdefault("cam" if name in CAM_FAMILY else name, spec)
    return list(first.values())


def trust(
    means: pd.DataFrame, scores: pd.DataFrame, manifest: Manifest, resamples: int = 1000
) -> pd.DataFrame:
    """How far each metric of another run ranks the methods as the benchmarks do, best first.

    Columns metric, kind, tau (Kendall's tau-b with the benchmark rank, over the `counted` methods
    that both have), low and high (95 %, bootstrap over methods, seed 0), p_value, p_holm (Holm
    over the metrics), methods.
    """
    others = oriented_means(scores, manifest)
    shared = [str(method) for method in means.index if method in others.index]
    means = means.loc[counted(shared, manifest)]
    ranking = -truth_ranking(means)
    kinds = {m["spec"]: m["kind"] for m in manifest["metrics"].values()}
    rows = []
    for metric in (name for name in directions(manifest) if name in others):
        pair = pd.concat([ranking.rename("truth"), others[metric]], axis=1).dropna()
        if len(pair) < 3:
            continue
        found = stats.kendalltau(pair["truth"], pair[metric])
        low, high = _interval(pair.to_numpy(), resamples)
        rows.append(
            {
                "metric": metric, "kind": kinds[metric], "tau": float(found.statistic),
                "low": low, "high": high, "p_value": float(found.pvalue), "methods": len(pair),
            }
        )  # fmt: skip
    table = pd.DataFrame(rows, columns=TRUST_COLUMNS)
    table["p_holm"] = holm(np.nan_to_num(table["p_value"].to_numpy(dtype=float), nan=1.0))
    return table.sort_values("tau", ascending=False)


def trust_by_benchmark(
    means: pd.DataFrame, scores: pd.DataFrame, manifest: Manifest
) -> pd.DataFrame:
    """Metrics x benchmarks: Kendall's tau-b between their means over the methods they share."""
    others = oriented_means(scores, manifest)
    shared = [str(method) for method in means.index if method in others.index]
    means = means.loc[counted(shared, manifest)]
    renamed = means.rename(columns=lambda name: f"truth: {name}")
    table = agreement(pd.concat([renamed, others], axis=1, join="inner"))
    return table.loc[list(others), list(renamed)].set_axis(list(means), axis=1)


def seed_agreement(
    first: pd.DataFrame, second: pd.DataFrame, resamples: int = 1000
) -> pd.DataFrame:
    """Kendall's tau-b between two models' means by benchmark, and their mean ranks ("all").

    One row each: tau, with its 95 % interval low and high (bootstrap over methods, seed 0). Over
    methods and benchmarks that both have; NaN where fewer than three methods are shared.
    """
    shared = first.index.intersection(second.index)
    both = first.columns.intersection(second.columns)
    first, second = first.loc[shared, both], second.loc[shared, both]
    rankings = [-truth_ranking(means) for means in (first, second)]
    pairs = {str(name): (first[name], second[name]) for name in both} | {"all": tuple(rankings)}
    rows = {name: _tau(pd.concat(pair, axis=1).dropna(), resamples) for name, pair in pairs.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["tau", "low", "high"])


def _tau(pair: pd.DataFrame, resamples: int) -> tuple[float, float, float]:
    if len(pair) < 3:
        return float("nan"), float("nan"), float("nan")
    tau = float(stats.kendalltau(pair.iloc[:, 0], pair.iloc[:, 1]).statistic)
    return tau, *_interval(pair.to_numpy(), resamples)


def _interval(pair: np.ndarray[Any, Any], resamples: int) -> tuple[float, float]:
    """Percentile interval of tau-b, methods drawn with replacement; NaN with fewer than 5."""
    if len(pair) < 5:
        return float("nan"), float("nan")
    drawn = np.random.default_rng(0).integers(0, len(pair), (resamples, len(pair)))
    first, second = (pair_orders(column[drawn]) for column in pair.T)
    untied = (first**2).sum(axis=(1, 2)) * (second**2).sum(axis=(1, 2))
    usable = untied > 0  # a sample may hold one method alone
    taus = (first * second).sum(axis=(1, 2))[usable] / np.sqrt(untied[usable])
    low, high = np.quantile(taus, [0.025, 0.975])
    return float(low), float(high)
