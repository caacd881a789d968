"""Truth: a ground-truth run as tables and sentences; no torch, no Streamlit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from xai_core.findings import results, truth_wording
from xai_core.findings.phrases import inside
from xai_core.findings.results import Board
from xai_core.ground_truth import verdict
from xai_core.ground_truth.verdict import ORACLE
from xai_core.titles import percent

Manifest = dict[str, Any]
BENCHMARK_RANK = "Benchmark rank"


@dataclass(frozen=True)
class Truth:
    """What the benchmarks say: `board` without the oracle, whose means are the `ceilings`."""

    manifest: Manifest
    board: Board
    ceilings: dict[str, float]
    means: pd.DataFrame
    trusted: pd.DataFrame
    by_benchmark: pd.DataFrame
    ranks: pd.DataFrame
    sentences: tuple[str, ...]

    def rows(self, metric: str) -> pd.DataFrame:
        """One benchmark, best method first, as `results.metric_rows`."""
        return results.metric_rows(self.board, self.manifest, metric)


def truth(
    scores: pd.DataFrame,
    manifest: Manifest,
    metric_scores: pd.DataFrame | None,
    metric_manifest: Manifest | None,
) -> Truth:
    """The benchmarks' verdict on methods, and on the metrics of another run of the same model."""
    own = scores[scores["method"] != ORACLE]
    oracle = scores[scores["method"] == ORACLE].groupby("metric")["score"].mean()
    means = verdict.truth_means(scores, manifest)
    trusted, by_benchmark = pd.DataFrame(columns=verdict.TRUST_COLUMNS), pd.DataFrame()
    if metric_scores is not None and metric_manifest is not None:
        trusted = verdict.trust(means, metric_scores, metric_manifest)
        by_benchmark = verdict.trust_by_benchmark(means, metric_scores, metric_manifest)
    names = names_of(manifest, True) | names_of(metric_manifest or {}, True)
    board = results.board(own, manifest)
    ranks = verdict.benchmark_ranks(scores, manifest)
    benchmarks = verdict.once(means)
    images = [int(n) for n in own.groupby("metric")["image_sha256"].nunique()[benchmarks]]
    said = truth_wording.ranks_say(ranks, len(benchmarks), manifest, images, board.same)
    return Truth(
        manifest,
        board,
        {str(metric): float(mean) for metric, mean in oracle.dropna().items()},
        means,
        trusted,
        by_benchmark,
        ranks,
        (*said, *truth_wording.trust_says(trusted, names)),
    )


@dataclass(frozen=True)
class TwoSeeds:
    """How alike two models rank the methods: `agreement` as from `verdict.seed_agreement`.

    `right`: the share of whole scenes that this and the other model recognise, where known.
    """

    name: str
    agreement: pd.DataFrame
    methods: int
    right: tuple[float, float] | None


Found = tuple[pd.DataFrame, Manifest, dict[str, Any]]
"""Scores, manifest and facts of a ground-truth run."""


def two_seeds(mine: Found, other: Found) -> TwoSeeds:
    """The benchmarks' verdict on two models, over the benchmarks of both and the methods that
    count: no null baselines, and CAM, SeCAM and their controls once."""
    means = [verdict.truth_means(scores, manifest) for scores, manifest, _ in (mine, other)]
    both = [str(method) for method in means[0].index if method in means[1].index]
    shared = verdict.counted(both, mine[1])
    means = [table.loc[shared] for table in means]
    whole = [facts.get("in_domain", {}).get("whole") for _, _, facts in (mine, other)]
    return TwoSeeds(
        str(other[1]["classifier"]["name"]),
        verdict.seed_agreement(means[0], means[1]),
        len(shared),
        None if None in whole else (float(whole[0]), float(whole[1])),
    )


def names_of(manifest: Manifest, in_sentence: bool = False) -> dict[str, str]:
    """Specs of methods and metrics -> titles for people; metrics without capitals in sentences."""
    methods = {e["spec"]: str(e["label"]) for e in manifest.get("methods", {}).values()}
    metrics = {e["spec"]: str(e["label"]) for e in manifest.get("metrics", {}).values()}
    if in_sentence:
        metrics = {spec: inside(title) for spec, title in metrics.items()}
    return methods | metrics


def shares(scores: pd.DataFrame, curves: pd.DataFrame, manifest: Manifest) -> pd.DataFrame:
    """Share of the attribution on the sticker: method (title), auroc, shortcut, control; per image.

    Methods by their AUROC, highest first; the oracle last.
    """
    columns = ["name", "auroc", "shortcut", "control"]
    rows = scores[scores["metric"] == "shortcut_contrast"]
    if rows.empty:
        return pd.DataFrame(columns=columns)
    wide = curves[curves["curve"].isin(["shortcut", "control"])].pivot_table(
        index=["image_sha256", "method_key"], columns="curve", values="value"
    )
    table = rows.merge(wide.reset_index(), on=["image_sha256", "method_key"])
    table["auroc"] = table.groupby("method")["score"].transform("mean")
    table["name"] = [results.method_title(m, manifest) for m in table["method"]]
    table["is_oracle"] = table["method"] == ORACLE
    order = ["is_oracle", "auroc"]
    table = table.sort_values(order, ascending=[True, False], kind="stable")
    return table[columns]


def ranking_table(found: Truth) -> pd.DataFrame:
    """Methods x benchmarks: means, with the benchmark rank and its interval, best first."""
    ranks = found.ranks
    for group in found.board.same:  # methods that coincide share a place
        if group[0] in ranks.index:
            own = ranks.loc[[group[0]]]
            ranks = pd.concat([ranks, *(own.set_axis([name]) for name in group[1:])])
    ranks = ranks.rename(columns={"rank": BENCHMARK_RANK, "low": "CI low", "high": "CI high"})
    means = found.board.summary.pivot_table(index="method", columns="metric", values="mean")
    metrics = [m for m in results.metrics_of(found.manifest) if m in means]
    table = means[metrics].rename(columns=lambda m: results.metric_title(m, found.manifest))
    ranks = ranks.rename(columns={"first": "Ranks first"}).reindex(table.index)
    table = pd.concat([ranks, table], axis=1)
    table.insert(0, "Method", [results.method_title(m, found.manifest) for m in table.index])
    return table.sort_values(BENCHMARK_RANK, na_position="last")


def ranking_groups(table: pd.DataFrame, found: Truth) -> dict[str, list[str]]:
    """Columns of `ranking_table` by group, each few enough to be seen whole: title -> columns."""
    metrics = {results.metric_title(m, found.manifest): m for m in found.board.summary["metric"]}
    ranked, localising = verdict.once(found.means), _localising(found.manifest)
    groups: dict[str, list[str]] = {
        "What the model uses": [str(c) for c in table if c not in metrics and c != "Method"]
    }
    for title in (str(c) for c in table if c in metrics):
        metric = metrics[title]
        group = "Where the object is" if metric in localising else "Variants"
        groups.setdefault("What the model uses" if metric in ranked else group, []).append(title)
    return groups


def _localising(manifest: Manifest) -> set[str]:
    """The metrics that ask where the object is, not what the model uses."""
    kinds = {e["spec"]: e["kind"] for e in manifest["metrics"].values()}
    return {spec for spec, kind in kinds.items() if kind == "localisation"}


def check_rows(facts: dict[str, Any]) -> pd.DataFrame:
    """What must hold for the scores to mean what they say: check, measured, wanted, n."""
    rows: list[tuple[str, str, str, int]] = []
    inside = facts.get("in_domain", {})
    if inside:
        rows.append(
            (
                "Accuracy lost when a part of the fruit other than the largest is not drawn",
                _drop(inside["lost"], inside["whole"], inside["minor_part"]),
                "at most 10 points",
                inside["images"],
            )
        )
        lost = inside["whole"] - inside["part"]
        rows.append(
            (
                "Accuracy lost when any part is not drawn, the largest included",
                _drop(lost, inside["whole"], inside["part"]),
                "no bound: the largest part carries the class",
                inside["images"],
            )
        )
    drawn = facts.get("redrawing", {})
    if drawn:
        rows.append(
            (
                "Same prediction on the image that maps explain and on the redrawn one",
                percent(drawn["same_prediction"], 1),
                "all: it is the same image",
                drawn["images"],
            )
        )
    for network, check in facts.get("stickers", {}).items():
        uses = "shortcut" in network
        rows.append(
            (
                f"{network}: accuracy lost when stickers are swapped, on the four sticker classes",
                _drop(check["drop"], check["own"], check["swapped"]),
                "at least 30 points" if uses else "less than 5 points",
                check["images"],
            )
        )
    return pd.DataFrame(rows, columns=["Check", "Measured", "Wanted", "n"])


def _drop(lost: float, before: float, after: float) -> str:
    return f"{100 * lost:.1f} points ({percent(before, 1)} to {percent(after, 1)})"
