"""Wording: results of a run in plain sentences; every word follows from the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from drawing.charts import CURVE_NAMES
from recipes import facts
from recipes.facts import joined

from runs import results
from runs.phrases import about, capital, ci, inside
from runs.results import HEADLINE_RANK, Agreements, Board
from xai_core import headline
from xai_core.evaluation.lead import LEAST_IMAGES

INTERVALS = "95 % BCa CI of the mean over images, 2,000 bootstrap samples, seed 0."
WINS = (
    "Share of the images on which the row's score is better than the column's; a dot marks "
    "pairs that differ at 5 % (Wilcoxon's signed-rank test, Holm-corrected over all pairs)."
)
SPEED = (
    "Median time of one explanation on {devices}, in the units of images it ran in. Up or down is "
    "better as the arrow says; left is faster. Names that would cover others are left out."
)


def metric_titles(metrics: Sequence[str]) -> str:
    """The metrics' titles inside a sentence."""
    return joined([inside(facts.label_of(metric, "metrics")) for metric in metrics])


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


def rank_caption() -> str:
    """What the headline rank is made of."""
    return (
        f"{HEADLINE_RANK}: the mean, over {metric_titles(headline.RANKED)}, of a method's mean "
        "rank within the images; 1 is best, methods with the same scores counted once."
    )


def same_scores(board: Board, manifest: dict[str, Any], methods: Sequence[str] = ()) -> str:
    """Which methods coincide on this model ("A and B; C and D"), of the given ones or of all."""
    groups = [[m for m in group if not methods or m in methods] for group in board.same]
    return "; ".join(
        joined([results.method_title(m, manifest) for m in group])
        for group in groups
        if len(group) > 1
    )


METHOD_COLUMNS = (
    "Forward passes: what the definition costs per image. Signed: negative values contradict the "
    "class."
)
METRIC_COLUMNS = "Arrow: the better side; metrics without one describe and never enter a ranking."
READING = (
    (
        "Colours",
        "Red supports the class, blue contradicts it, pale says nothing. Every map is divided by "
        "its own 99.5th percentile, because methods have different units: compare places and "
        "shapes, not strengths.",
    ),
    (
        "Null baselines",
        "Random values, a Gaussian in the centre, Sobel edges and a uniform map know nothing of "
        "the model. A method that is not told apart from them in a metric has shown nothing there; "
        "a metric that ranks them high says something else than meant.",
    ),
    (
        "Intervals and ranks",
        "CIs are 95 % BCa bootstrap CIs of the mean over images. Three ranks are kept apart: the "
        "mean rank comes from ranking the methods on every image in one metric; the headline rank "
        "is its mean over the declared headline metrics; the benchmark rank orders the means over "
        "benchmarks whose answer is known. Two methods whose mean ranks differ by less than the "
        "critical difference are not told apart by these images.",
    ),
    (
        "Same maps",
        "On a model that ends in global average pooling and one linear layer, CAM, Grad-CAM, "
        "HiResCAM and XGrad-CAM are the same map up to a factor. They are counted once in ranks.",
    ),
    (
        "Faithful is not plausible",
        "Faithfulness metrics ask whether the model uses what a map shows; localisation asks "
        "whether a map shows the object. A model that looks at the background gets faithful maps "
        "that localise badly.",
    ),
)


def method_table(passes: Mapping[str, float]) -> pd.DataFrame:
    """Every method with its family, its cost where a run measured it, and its source."""
    table = pd.DataFrame(
        {
            "Method": fact.title,
            "Family": fact.family,
            "Forward passes": passes.get(name),
            "Signed": fact.signed,
            "Depends on the class": fact.constants.get("class_sensitive", True),
            "Computed by": fact.constants.get("backed_by", "own"),
            "Reference": fact.reference,
        }
        for name, fact in facts.facts("methods").items()
    )
    whole = table["Forward passes"].astype("Float64").round().astype("Int64")
    return table.assign(**{"Forward passes": whole})


def metric_table() -> pd.DataFrame:
    """Every metric with its kind, direction and source."""
    return pd.DataFrame(
        {
            "Metric": f"{fact.title} {fact.arrow}".strip(),
            "Kind": fact.kind,
            "Needs masks": fact.constants.get("needs_masks", False),
            "Reference": fact.reference,
        }
        for fact in facts.facts("metrics").values()
    )


CURVES = (
    "Mean over n = {n} images; bands: 95 % BCa CI at every point, 500 bootstrap samples, seed 0."
)
AGREEMENT = (
    "τ-b over the means of {methods} methods (equal methods counted once), turned so that higher "
    "is better; W over {images} images, ties corrected. 95 % CIs: 500 bootstrap samples of the "
    "images, seed 0; those of τ-b at the mouse and in the table. Descriptive metrics are left out."
)
MAPS = (
    "Spearman correlation over all pixels, mean over the {images} precomputed images, top class; "
    "95 % BCa CIs over images (2,000 bootstrap samples, seed 0) at the mouse and in the table."
)
NO_CHECKS = (
    "This run holds no check: evaluate weight randomisation or class sensitivity under Work."
)
SANITY = (
    "Mean over n = {n} images at most, with 95 % BCa CIs{sign}. A check can be failed; "
    "passing it does not make a method good."
)
UNSIGNED = ", of the rank correlation without its sign: a map turned upside down is still alike"
ALIKE = 0.5


def curves_caption(rows: pd.DataFrame) -> str:
    """What is drawn: a second curve only where the metric has one."""
    kinds = sorted(set(rows["curve"]))
    second = f" Dashed: {CURVE_NAMES.get(kinds[-1], kinds[-1])}." if len(kinds) > 1 else ""
    return CURVES.format(n=int(rows["n"].max())) + second


def curves_say(
    rows: pd.DataFrame, metric: str, names: Mapping[str, str], manifest: dict[str, Any]
) -> list[str]:
    """Which mean curves lie lowest and highest at a fifth of the pixels, with their CIs."""
    near = rows[(rows["fraction"] - 0.2).abs() < 0.03]
    where = f"On {about(manifest, int(rows['n'].max()))}"
    parts = []
    for curve, best_is_low, words in (
        ("morf", True, "most relevant taken away first, lowest"),
        ("lerf", False, "least relevant taken away first, highest"),
        ("insertion", False, "most relevant revealed first, highest"),
    ):
        part = near[near["curve"] == curve].groupby("method")[["mean", "low", "high"]].mean()
        if len(part):
            best = str(part["mean"].idxmin() if best_is_low else part["mean"].idxmax())
            mean, low, high = (float(part[column][best]) for column in part)
            parts.append(f"{words} for {names[best]}: {mean:.2f}, {ci(low, high, 2)}")
    if not parts:
        return [f"{where}: {facts.label_of(metric, 'metrics')} as it runs."]
    return [
        f"{where}, mean class probability at 20 % of the pixels: {'; '.join(parts)}.",
        "Which method is better is tested under Leaderboard.",
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
    within = found.within.dropna()
    if len(within):
        steady = str(within["w"].idxmax())
        w, low, high = (float(within[column][steady]) for column in ("w", "low", "high"))
        sentences.append(
            f"Images agree best with one another in {metric_titles([steady])}, "
            f"with W = {w:.2f}, {ci(low, high, 2)}."
        )
    return sentences


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
