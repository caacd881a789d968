"""Wording: results of a run in plain sentences; every word follows from the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from xai_core import headline
from xai_core.evaluation.lead import LEAST_IMAGES
from xai_core.findings import results
from xai_core.findings.agreements import Agreements
from xai_core.findings.phrases import about, capital, ci, inside
from xai_core.findings.results import HEADLINE_RANK, Board
from xai_core.titles import joined, label_of

INTERVALS = "95 % BCa CI of the mean over images, 2,000 bootstrap samples, seed 0."
WINS = (
    "Share of the images on which the row's score is better than the column's; a dot marks "
    "pairs that differ at 5 % (Wilcoxon's signed-rank test, Holm-corrected over all pairs)."
)
SPEED = (
    "Median time per explanation on {devices}, as the run computed them. Up or down is better as "
    "the arrow says; left is faster. Names that would cover others are left out."
)


def metric_titles(metrics: Sequence[str]) -> str:
    """The metrics' titles inside a sentence."""
    return joined([inside(label_of(metric, "metrics")) for metric in metrics])


def board_caption(board: Board, manifest: dict[str, Any], has_nulls: bool, tested: bool) -> str:
    """What the numbers rest on, and what is drawn: no line or bar that is not there."""
    fit = "resize" if manifest["framing"] == "whole" else "centre crop"
    parts = [
        f"{capital(about(manifest, board.images))}, {manifest['precision']}, preprocessing: {fit}.",
        INTERVALS,
    ]
    if has_nulls:
        parts.append("Dashed: the best null baseline.")
    if tested:
        parts.append(
            "Grey bars join methods whose mean ranks differ by less than Nemenyi's critical "
            "difference (5 %)."
        )
    if board.same:
        same = same_scores(board, manifest)
        parts.append(f"The same scores on this model, counted once in ranks: {same}.")
    return " ".join(parts)


BOARD = (
    "Choose a cell to see the images behind its number. Bold: told apart from every other method "
    "by the paired test (Wilcoxon, Holm, 5 %); where nothing is bold, no method is. The bluer, the "
    "better within its column."
)


def rank_caption(board: Board) -> str:
    """What the headline rank of these results is made of."""
    ranked = [metric for metric in headline.RANKED if metric in board.ranks]
    mean = f"the mean, over {metric_titles(ranked)}, of a method's" if ranked[1:] else "a method's"
    alone = "" if ranked[1:] else f" in {metric_titles(ranked)}, the only headline metric here"
    return (
        f"{HEADLINE_RANK}: {mean} mean rank within the images{alone}; 1 is best, methods with the "
        "same scores counted once."
    )


def same_scores(board: Board, manifest: dict[str, Any], methods: Sequence[str] = ()) -> str:
    """Which methods coincide on this model ("A and B; C and D"), of the given ones or of all."""
    groups = [[m for m in group if not methods or m in methods] for group in board.same]
    return "; ".join(
        joined([results.method_title(m, manifest) for m in group])
        for group in groups
        if len(group) > 1
    )


HEATMAP_COLOURS = (
    "Each attribution map is divided by its own 99.5th percentile: red supports the class, blue "
    "contradicts it; compare places and shapes, not strengths."
)
CURVE_NAMES = {
    "morf": "most relevant first",
    "lerf": "least relevant first",
    "insertion": "revealed",
    "irof": "by superpixels",
}
CURVES = (
    "Mean over n = {n} images; bands: 95 % BCa CI at every point, 500 bootstrap samples, seed 0."
)
TESTED_ELSEWHERE = "Which method is better is tested under Leaderboard."
AGREEMENT = (
    "τ-b over the means of {methods} methods (equal methods counted once), turned so that higher "
    "is better; W over {images} images, ties corrected. 95 % CIs: 500 bootstrap samples of the "
    "images, seed 0; those of τ-b under the mouse and in the CSV. Descriptive metrics are left out."
)
MAPS = (
    "Spearman correlation over all pixels, mean over the {images} precomputed images, top class; "
    "95 % BCa CIs over images (2,000 bootstrap samples, seed 0) under the mouse and in the CSV."
)
NO_CHECKS = (
    "This run holds no check: evaluate weight randomisation or class sensitivity on the page "
    "Evaluate."
)
SANITY = (
    "Mean over n = {n} images at most, with 95 % BCa CIs{sign}. A check can be failed; "
    "passing it does not make a method good."
)
UNSIGNED = ", of the rank correlation without its sign: a map with all signs turned is still alike"
ALIKE = 0.5
LEAST_METHODS = 5
"""Below this even equal orders have a two-sided p of 0.05 or more: 2/4! = 0.083, 2/5! = 0.017."""


AT_A_FIFTH = {
    "morf": (True, "with the most relevant gone, {name} leaves least: {value}"),
    "lerf": (False, "with the least relevant gone, {name} keeps most: {value}"),
    "insertion": (False, "with the most relevant revealed, {name} brings back most: {value}"),
}
"""Whether the best is the lowest, and the words for it."""
KINDS = {
    "morf": ("Most relevant first (MoRF)", "Lower is better: the evidence goes first."),
    "lerf": ("Least relevant first (LeRF)", "Higher is better: the evidence goes last."),
    "insertion": ("Revealed, most relevant first", "Higher is better: the evidence comes first."),
}


def unscored_says(board: Board, manifest: dict[str, Any], metric: str) -> str:
    """The board's methods that a chart of the metric leaves out, and why; "" where it has all."""
    rows = board.summary[board.summary["metric"] == metric].set_index("method")["mean"]
    methods = [str(method) for method in board.summary["method"].unique()]
    undefined = [m for m in methods if m in rows.index and pd.isna(rows[m])]
    absent = [m for m in methods if m not in rows.index]
    kinds = (
        (absent, "not evaluated on these images"),
        (undefined, "undefined on each of these images"),
    )
    parts = [
        f"{joined([results.method_title(m, manifest) for m in left_out])} ({why})"
        for left_out, why in kinds
        if left_out
    ]
    return f"Not shown: {'; '.join(parts)}." if parts else ""


def curves_caption(rows: pd.DataFrame) -> str:
    """What the curves rest on."""
    return CURVES.format(n=int(rows["n"].max()))


def curves_say(
    rows: pd.DataFrame, metric: str, names: Mapping[str, str], manifest: dict[str, Any]
) -> list[str]:
    """Which mean curves lie lowest and highest at a fifth of the pixels, with their CIs."""
    near = rows[(rows["fraction"] - 0.2).abs() < 0.03]
    where = f"On {about(manifest, int(rows['n'].max()))}"
    parts = []
    for curve, (best_is_low, words) in AT_A_FIFTH.items():
        part = near[near["curve"] == curve].groupby("method")[["mean", "low", "high"]].mean()
        if len(part):
            best = str(part["mean"].idxmin() if best_is_low else part["mean"].idxmax())
            mean, low, high = (float(part[column][best]) for column in part)
            parts.append(words.format(name=names[best], value=f"{mean:.2f}, {ci(low, high, 2)}"))
    if not parts:
        return [f"{where}: {label_of(metric, 'metrics')} as it runs."]
    return [
        f"{where}, mean class probability at 20 % of the pixels: {'; '.join(parts)}.",
        TESTED_ELSEWHERE,
    ]


def agreement_says(found: Agreements, manifest: dict[str, Any]) -> list[str]:
    """The pair of metrics that agree most and the pair that agree least, and the most reliable."""
    names, taus = list(found.between.columns), found.between.to_numpy(dtype=float)
    pairs = [
        (float(taus[a, b]), names[a], names[b])
        for a in range(len(names))
        for b in range(a + 1, len(names))
        if not np.isnan(taus[a, b])
    ]
    where = f"On {about(manifest, found.images)}"
    if not pairs:
        return [f"{where}, there are too few metrics to compare."]
    if found.images < LEAST_IMAGES:
        return [f"{where}: too few images to tell which metrics agree."]
    if found.methods < LEAST_METHODS:
        return [
            f"{where}: {found.methods} methods are too few to tell which metrics agree; even the "
            f"same order in two metrics shows nothing below {LEAST_METHODS}.",
            *_steady(found),
        ]
    (most, *closest), (least, *farthest) = max(pairs), min(pairs)

    def bounds(pair: Sequence[str]) -> tuple[float, float]:
        low, high = found.intervals[names.index(pair[0]), names.index(pair[1])]
        return float(low), float(high)

    sentences = [
        f"{where} and over {found.methods} methods, {metric_titles(closest)} agree most on the "
        f"order of the methods: τ-b = {most:z.2f}, {ci(*bounds(closest), 2)}; "
        f"{metric_titles(farthest)} agree least: τ-b = {least:z.2f}, {ci(*bounds(farthest), 2)}."
    ]
    if bounds(farthest)[1] < 0:
        sentences.append("A method can win one of these two by losing the other.")
    return [*sentences, *_steady(found)]


def _steady(found: Agreements) -> list[str]:
    """The metric in which images agree best on the order of the methods."""
    within = found.within.dropna()
    if within.empty:
        return []
    steady = str(within["w"].idxmax())
    w, low, high = (float(within[column][steady]) for column in ("w", "low", "high"))
    return [
        f"Images agree best with one another in {metric_titles([steady])}, "
        f"with W = {w:.2f}, {ci(low, high, 2)}."
    ]


def sanity_says(rows: pd.DataFrame, metric: str, manifest: dict[str, Any]) -> list[str]:
    """Which methods' maps hardly change although they should."""
    what = "the class changes" if "class" in metric else "the weights are random"
    images = int(rows["n"].max()) if len(rows) else 0
    where = f"On {about(manifest, images)}"
    if images < LEAST_IMAGES:
        return [f"{where}: too few images to tell whose maps stay alike when {what}."]
    own = rows[~rows["baseline"]]
    stuck = list(own[own["low"] > ALIKE]["name"])
    if not stuck:
        return [f"{where}, no method's maps stay alike (CI above {ALIKE}) when {what}."]
    return [f"{where}, the maps of {joined(stuck)} stay alike (CI above {ALIKE}) when {what}."]
