"""Verdict: what the benchmarks say about methods and about metrics; pandas only, no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from xai_core.evaluation.agreement import agreement, pair_orders
from xai_core.evaluation.summary import directions, oriented_means, same_methods

Manifest = Mapping[str, Any]
ORACLE = "oracle"
TRUTH = "ground truth"
TRUST_COLUMNS = ["metric", "kind", "tau", "low", "high", "p_value", "methods"]


def truth_metrics(manifest: Manifest) -> list[str]:
    """The benchmarks of a run that know what the network uses, by spec."""
    return [m["spec"] for m in manifest["metrics"].values() if m["kind"] == TRUTH]


def truth_means(scores: pd.DataFrame, manifest: Manifest) -> pd.DataFrame:
    """Methods x benchmarks: means turned so that higher is better, without the oracle.

    Of methods that coincide on this network only the first is kept, as in every ranking.
    """
    own = scores[scores["method"] != ORACLE]
    means = oriented_means(own, manifest)
    means = means[[name for name in truth_metrics(manifest) if name in means]]
    return means.drop(index=twins(own, manifest), errors="ignore").dropna(axis=1, how="all")


def twins(scores: pd.DataFrame, manifest: Manifest) -> list[str]:
    """Methods that score like an earlier one in everything."""
    return [name for group in same_methods(scores, manifest) for name in group[1:]]


def truth_ranking(means: pd.DataFrame) -> pd.Series[float]:
    """Mean rank of each method over the benchmarks, 1 is best; only methods that have them all."""
    return means.dropna().rank(ascending=False).mean(axis=1).sort_values()


def trust(
    means: pd.DataFrame, scores: pd.DataFrame, manifest: Manifest, resamples: int = 1000
) -> pd.DataFrame:
    """How far each metric of another run ranks the methods as the benchmarks do, best first.

    Columns metric, kind, tau (Kendall's tau-b with the mean rank over benchmarks, over the methods
    that both have), low and high (95 %, bootstrap over methods, seed 0), p_value, methods.
    """
    ranking = -truth_ranking(means)
    others = oriented_means(scores, manifest)
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
    return pd.DataFrame(rows, columns=TRUST_COLUMNS).sort_values("tau", ascending=False)


def trust_by_benchmark(
    means: pd.DataFrame, scores: pd.DataFrame, manifest: Manifest
) -> pd.DataFrame:
    """Metrics x benchmarks: Kendall's tau-b between their means over the methods they share."""
    others = oriented_means(scores, manifest)
    renamed = means.rename(columns=lambda name: f"truth: {name}")
    table = agreement(pd.concat([renamed, others], axis=1, join="inner"))
    return table.loc[list(others), list(renamed)].set_axis(list(means), axis=1)


def seed_agreement(first: pd.DataFrame, second: pd.DataFrame) -> pd.Series[float]:
    """Spearman correlation of two networks' means by benchmark, and of their mean ranks ("all").

    Methods and benchmarks that both have; NaN where fewer than three methods are shared.
    """
    shared = first.index.intersection(second.index)
    both = first.columns.intersection(second.columns)
    first, second = first.loc[shared, both], second.loc[shared, both]
    found = {str(name): _spearman(first[name], second[name]) for name in both}
    rankings = [truth_ranking(means) for means in (first, second)]
    found["all"] = _spearman(rankings[0], rankings[1].reindex(rankings[0].index))
    return pd.Series(found, dtype=float)


def sentences(means: pd.DataFrame, trusted: pd.DataFrame, names: dict[str, str]) -> list[str]:
    """Who finds the evidence, and which metrics say the same; `names` maps specs to titles."""
    ranking = truth_ranking(means)
    if ranking.empty:
        return ["No method was scored by every benchmark here."]
    first = [method for method in ranking.index if ranking[method] == ranking.iloc[0]]
    said = [
        f"Over {means.shape[1]} benchmarks, {joined(first, names)} "
        f"{'come' if len(first) > 1 else 'comes'} first among {len(ranking)} methods "
        f"(mean rank {ranking.iloc[0]:.1f})."
    ]
    best = {str(name): str(column.idxmax()) for name, column in means.loc[ranking.index].items()}
    by_winner = {m: [b for b in best if best[b] == m] for m in dict.fromkeys(best.values())}
    wins = "; ".join(f"{names.get(m, m)} in {joined(b, names)}" for m, b in by_winner.items())
    said.append(f"The best means: {wins}.")
    sure = trusted[trusted["p_value"] < 0.05]
    agree = list(sure.loc[sure["tau"] > 0, "metric"])
    oppose = list(sure.loc[sure["tau"] < 0, "metric"])
    if agree:
        verb = "rank" if len(agree) > 1 else "ranks"
        who = _capital(joined(agree, names))
        said.append(f"{who} {verb} methods as the known truth does, beyond chance.")
    elif len(trusted):
        said.append("No metric ranks these methods as the known truth does, beyond chance.")
    if oppose:
        verb = "rank" if len(oppose) > 1 else "ranks"
        said.append(f"{_capital(joined(oppose, names))} {verb} them the other way round.")
    return said


def joined(specs: Sequence[str], names: dict[str, str]) -> str:
    """Titles in a sentence: "A", "A and B", "A, B and C"."""
    titles = [names.get(spec, spec) for spec in specs]
    return " and ".join([", ".join(titles[:-1]), titles[-1]] if len(titles) > 1 else titles)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


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


def _spearman(first: pd.Series[float], second: pd.Series[float]) -> float:
    both = pd.concat([first, second], axis=1).dropna()
    if len(both) < 3 or both.nunique().min() < 2:
        return float("nan")
    return float(stats.spearmanr(both.iloc[:, 0], both.iloc[:, 1]).statistic)
