"""Wording: results of a run in plain sentences; every word follows from the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import facts
import numpy as np
import pandas as pd
import results
from facts import joined
from results import Agreements, Board

from xai_core.evaluation.contrast import CONTROLS, Contrast, contrast, gains_over_all
from xai_core.evaluation.statistics import Friedman

CAPTION = (
    "Mean difference over images, paired, turned so that positive means the first is better; 95 % "
    "BCa interval (2,000 resamples, seed 0); p of Wilcoxon's signed-rank test, Holm-corrected over "
    "the measures; effect: rank-biserial correlation. Grey: that p is 0.05 or more, even where the "
    "interval of the one measure leaves 0 out."
)


def inside(title: str) -> str:
    """A title as it stands inside a sentence: Deletion -> deletion, ADCC stays."""
    return title if title[:2].isupper() else title[:1].lower() + title[1:]


def metric_titles(metrics: Sequence[str]) -> str:
    """The metrics' titles inside a sentence."""
    return joined([inside(facts.label_of(metric, "metrics")) for metric in metrics])


def superpixel_answer(
    scores: pd.DataFrame, manifest: dict[str, Any]
) -> tuple[list[str], Contrast | None]:
    """CAM or SeCAM, from a run: what superpixels change, and whether it is the superpixels."""
    found = contrast(scores, manifest, "secam", "cam")
    if found is None:
        return ["This run does not hold both CAM and SeCAM."], None
    count, images = len(found.table), int(found.table["n"].max())
    better, worse, open_ones = found.better(), found.worse(), found.undecided()
    sentences = [f"Over {images} pictures and {count} measures:"]
    if better:
        sentences.append(f"SeCAM is better than CAM in {metric_titles(better)}.")
    if worse:
        sentences.append(f"CAM is better in {metric_titles(worse)}.")
    if open_ones:
        sentences.append(
            f"No difference is shown in {metric_titles(open_ones)} (corrected for {count} tests)."
        )
    gained, controls = gains_over_all(scores, manifest, "secam", CONTROLS)
    if controls:
        names = joined([facts.label_of(control) for control in controls])
        if gained:
            sentences.append(
                f"SeCAM also beats every control ({names}) in {metric_titles(gained)}: there the "
                "picture's own superpixels add something."
            )
        else:
            sentences.append(
                f"SeCAM beats all of its controls ({names}) in no measure, so what it gains comes "
                "from averaging over regions, not from the picture's own superpixels."
                if better
                else f"SeCAM beats all of its controls ({names}) in no measure."
            )
    return sentences, found


def contrast_table(found: Contrast) -> pd.DataFrame:
    """The contrast as people read it."""
    table = found.table
    first, second = facts.label_of(found.first), facts.label_of(found.second)
    known = facts.facts("metrics")
    return pd.DataFrame(
        {
            "Measure": [
                f"{facts.label_of(m, 'metrics')} {known[m].arrow if m in known else ''}".strip()
                for m in table["metric"]
            ],
            "n": table["n"],
            first: table["first_mean"],
            second: table["second_mean"],
            f"Gain of {first}": table["gain"],
            "from": table["low"],
            "to": table["high"],
            f"{first} better on": table["wins"],
            f"{second} better on": table["losses"],
            "p (Holm)": table["p_holm"],
            "Effect": table["effect"],
        }
    )


INTERVALS = "95 % BCa bootstrap interval of the mean over images, 2,000 resamples, seed 0."
WINS = (
    "Share of the pictures on which the row's score is better than the column's; a dot marks "
    "pairs that differ at 5 % (Wilcoxon's signed-rank test, Holm-corrected over all pairs)."
)
SPEED = (
    "Median time of one explanation on {devices}, in the units of images it ran in. Up or down is "
    "better as the arrow says; left is faster. Names that would cover others are left out."
)


def leader(
    rows: pd.DataFrame,
    test: Friedman | None,
    manifest: dict[str, Any],
    metric: str,
    stable: pd.Series[float] | None = None,
) -> list[str]:
    """Who leads one metric, how sure that is, and which methods do not pass the null baselines.

    `stable` tells how often each method wins in resamples, most often first.
    """
    title = facts.label_of(metric, "metrics")
    if results.is_higher_better(metric, manifest) is None or rows.empty:
        return [f"{title} describes maps; it does not say which is better."]
    best = rows.iloc[0]
    sentences = [
        f"{best['name']} has the best mean in {inside(title)}: {best['mean']:.3f} "
        f"({best['low']:.3f} to {best['high']:.3f}, n = {best['n']})."
    ]
    if stable is not None and len(stable):
        winner = results.method_title(str(stable.index[0]), manifest)
        who = "it" if winner == best["name"] else winner
        sentences.append(f"In {stable.iloc[0]:.0%} of 2,000 resamples of the pictures {who} wins.")
    if test is None:
        sentences.append("For a test of the order there are too few methods or pictures.")
    elif test.p_value >= 0.05:
        sentences.append(f"The methods as a whole are not told apart (p = {test.p_value:.2g}).")
    floor = results.floor_of(rows)
    if floor is not None:
        higher = results.is_higher_better(metric, manifest)
        own = rows[~rows["baseline"]]
        beaten = own[own["mean"] <= floor if higher else own["mean"] >= floor]
        null = rows.loc[rows["baseline"], "name"].iloc[0]
        if len(beaten):
            sentences.append(
                f"{len(beaten)} of {len(own)} methods do not pass the best null baseline ({null})."
            )
        else:
            sentences.append(f"Every method passes the best null baseline ({null}).")
    return sentences


def board_caption(board: Board, manifest: dict[str, Any]) -> str:
    """What the numbers rest on."""
    network = manifest["classifier"]["name"]
    parts = [
        f"{board.images} pictures of {manifest['dataset']}, network {network}, "
        f"{manifest['precision']}, whole photo."
        if manifest["framing"] == "whole"
        else f"{board.images} pictures of {manifest['dataset']}, network {network}, "
        f"{manifest['precision']}, central crop.",
        INTERVALS,
        "Dashed: the best null baseline. Grey bars join methods whose mean ranks differ by less "
        "than Nemenyi's critical difference (5 %).",
    ]
    if board.same:
        same = same_scores(board, manifest)
        parts.append(f"The same scores on this network, counted once in ranks: {same}.")
    return " ".join(parts)


def same_scores(board: Board, manifest: dict[str, Any], methods: Sequence[str] = ()) -> str:
    """Which methods coincide on this network ("A and B; C and D"), of the given ones or of all."""
    groups = [[m for m in group if not methods or m in methods] for group in board.same]
    return "; ".join(
        joined([results.method_title(m, manifest) for m in group])
        for group in groups
        if len(group) > 1
    )


METHOD_COLUMNS = (
    "Passes: what the definition costs per picture, in forward passes of the network. Signed: "
    "negative values speak against the class."
)
METRIC_COLUMNS = "Arrow: the better side; measures without one describe and never enter a ranking."
READING = (
    (
        "Colours",
        "Red speaks for the class, blue against it, pale says nothing. Every map is divided by its "
        "own 99.5th percentile, because methods have different units: compare places and shapes, "
        "not strengths.",
    ),
    (
        "Null baselines",
        "Random values, a Gaussian in the centre, Sobel edges and a uniform map know nothing of "
        "the network. A method that does not beat them in a measure has shown nothing there; a "
        "measure that ranks them high measures something else than meant.",
    ),
    (
        "Intervals and ranks",
        "Intervals are 95 % BCa bootstrap intervals of the mean over pictures. Mean ranks come "
        "from ranking the methods on every picture. Two methods whose mean ranks differ by less "
        "than the critical difference are not told apart by these pictures.",
    ),
    (
        "Same maps",
        "On a network that ends in global average pooling and one linear layer, CAM, Grad-CAM, "
        "HiResCAM and XGrad-CAM are the same map up to a factor. They are counted once in ranks.",
    ),
    (
        "Faithful is not plausible",
        "Faithfulness measures ask whether the network uses what a map shows; localisation asks "
        "whether a map shows the object. A network that looks at the background gets faithful maps "
        "that localise badly.",
    ),
)


def method_table(passes: Mapping[str, float]) -> pd.DataFrame:
    """Every method with its family, its cost where a run measured it, and its source."""
    table = pd.DataFrame(
        {
            "Method": fact.title,
            "Family": fact.family,
            "Passes": passes.get(name),
            "Signed": fact.signed,
            "Depends on the class": fact.constants.get("class_sensitive", True),
            "Computed by": fact.constants.get("backed_by", "own"),
            "Reference": fact.reference,
        }
        for name, fact in facts.facts("methods").items()
    )
    return table.assign(Passes=table["Passes"].astype("Float64").round().astype("Int64"))


def metric_table() -> pd.DataFrame:
    """Every measure with its kind, direction and source."""
    return pd.DataFrame(
        {
            "Measure": f"{fact.title} {fact.arrow}".strip(),
            "Kind": fact.kind,
            "Needs masks": fact.constants.get("needs_masks", False),
            "Reference": fact.reference,
        }
        for fact in facts.facts("metrics").values()
    )


CURVES = (
    "Mean over {n} pictures; bands are 95 % BCa bootstrap intervals at every point, 500 resamples, "
    "seed 0. Dashed: the second curve of the measure."
)
AGREEMENT = (
    "τ-b over the means of {methods} methods (equal methods counted once), turned so that higher "
    "is better; W over {images} pictures, ties corrected. Intervals: 95 %, pictures drawn anew "
    "(500 resamples, seed 0); those of τ-b at the mouse and in the table. Descriptive measures are "
    "left out."
)
MAPS = (
    "Spearman correlation over all pixels, mean over the {pictures} shipped pictures, top class; "
    "95 % BCa intervals over pictures (2,000 resamples, seed 0) at the mouse and in the table."
)
NO_CHECKS = (
    "This run holds no check: evaluate weight randomisation or class sensitivity under Work."
)
SANITY = (
    "Mean over n = {n} pictures at most, with 95 % BCa intervals{sign}. A check can be failed; "
    "passing it does not make a method good."
)
UNSIGNED = ", of the rank correlation without its sign: a map turned upside down is still alike"
ALIKE = 0.5


def curves_say(rows: pd.DataFrame, metric: str, names: Mapping[str, str]) -> list[str]:
    """Who falls first and who keeps longest, read off at a fifth of the pixels."""
    near = rows[(rows["fraction"] - 0.2).abs() < 0.03]
    sentences = []
    for curve, best_is_low, words in (
        ("morf", True, "takes most of the class probability away"),
        ("lerf", False, "keeps most of it when the least relevant go first"),
        ("insertion", False, "brings most of the class probability back"),
    ):
        part = near[near["curve"] == curve].groupby("method")["mean"].mean()
        if len(part):
            best = str(part.idxmin() if best_is_low else part.idxmax())
            sentences.append(f"At 20 % of the pixels {names[best]} {words} ({part[best]:.2f}).")
    return sentences or [f"{facts.label_of(metric, 'metrics')} as it runs."]


def agreement_says(found: Agreements, manifest: dict[str, Any]) -> list[str]:
    """The pair of measures that agree most and the pair that agree least, and the most reliable."""
    names, taus = list(found.between.columns), found.between.to_numpy(dtype=float)
    pairs = [
        (float(taus[a, b]), names[a], names[b])
        for a in range(len(names))
        for b in range(a + 1, len(names))
        if not np.isnan(taus[a, b])
    ]
    if not pairs:
        return ["There are too few measures to compare."]
    (most, *closest), (least, *farthest) = max(pairs), min(pairs)

    def told(pair: Sequence[str]) -> str:
        low, high = found.intervals[names.index(pair[0]), names.index(pair[1])]
        return f"{low:.2f} to {high:.2f}"

    sentences = [
        f"{metric_titles(closest).capitalize()} agree most on the order of the methods "
        f"(τ = {most:.2f}, {told(closest)}), {metric_titles(farthest)} least ({least:.2f}, "
        f"{told(farthest)})."
    ]
    if least < 0:
        sentences.append("A method can win one of these by losing the other.")
    within = found.within.dropna()
    if len(within):
        steady = str(within["w"].idxmax())
        w, low, high = within.loc[steady, ["w", "low", "high"]]
        sentences.append(
            f"Pictures agree best with one another in {metric_titles([steady])} "
            f"(W = {w:.2f}, {low:.2f} to {high:.2f})."
        )
    return sentences


def sanity_says(rows: pd.DataFrame, metric: str) -> list[str]:
    """Which methods' maps hardly change although they should."""
    own = rows[~rows["baseline"]]
    stuck = own[own["low"] > ALIKE]["name"]
    what = "the class changes" if "class" in metric else "the weights are random"
    if not len(stuck):
        return [f"No method's maps stay alike (above {ALIKE}) when {what}."]
    who = joined(list(stuck))
    return [f"{who}: the maps stay alike (interval above {ALIKE}) when {what}."]
