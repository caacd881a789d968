"""Superpixel wording: CAM or SeCAM as a verdict of two lines, from a run's scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from xai_core.evaluation.contrast import CONTROLS, contrast, gains_over_all
from xai_core.evaluation.lead import LEAST_IMAGES, null_groups
from xai_core.evaluation.summary import scores_by_method
from xai_core.findings import results
from xai_core.findings.phrases import about, inside
from xai_core.titles import joined, label_of

Run = tuple[pd.DataFrame, dict[str, Any]]
"""Scores and manifest."""
FAITHFUL, LOCALISED, KNOWN, BLIND = (
    "Trusted faithfulness", "Localisation", "Known truth", "Not informative here",
)  # fmt: skip
GROUPS = (FAITHFUL, LOCALISED, KNOWN, BLIND)
CAPTION = (
    "Mean paired difference over images, positive where SeCAM is better; 95 % BCa CI (2,000 "
    "bootstrap samples, seed 0); p of Wilcoxon's signed-rank test, Holm-corrected over the metrics "
    "of a run; effect: rank-biserial correlation. Grey: p is 0.05 or more, even where the CI of "
    "one metric leaves 0 out. Not informative here: neither method is better than every null "
    "baseline in the metric (paired Wilcoxon-Holm)."
)


@dataclass(frozen=True)
class Answer:
    """The verdict, and the contrast behind it: one row per metric, with its group and title.

    `controls` says whether what SeCAM gains comes from the image's own superpixels.
    """

    sentences: list[str]
    table: pd.DataFrame
    controls: str = ""

    def for_people(self) -> pd.DataFrame:
        """The contrast as people read it."""
        table = self.table
        return pd.DataFrame(
            {
                "Metric": table["title"],
                "Group": table["group"],
                "n": table["n"],
                "SeCAM": table["first_mean"],
                "CAM": table["second_mean"],
                "Gain of SeCAM": table["gain"],
                "CI low": table["low"],
                "CI high": table["high"],
                "SeCAM better on": table["wins"],
                "CAM better on": table["losses"],
                "p (Holm)": table["p_holm"],
                "Effect": table["effect"],
            }
        )


def superpixel_answer(runs: Sequence[Run]) -> Answer:
    """CAM or SeCAM over the runs of one model: two lines and what they rest on."""
    parts = [part for scores, manifest in runs if len(part := gains(scores, manifest))]
    if not parts:
        return Answer(["This run does not hold both CAM and SeCAM."], pd.DataFrame())
    # the first run that holds a metric speaks for it: others hold the same images
    table = pd.concat(parts, ignore_index=True).drop_duplicates("metric")
    table["place"] = table["group"].map(GROUPS.index)
    table = table.sort_values("place", kind="stable").reset_index(drop=True)
    if table["n"].max() < LEAST_IMAGES:
        where = joined(list(dict.fromkeys(table["about"])))
        return Answer([f"On {where}: too few images to tell CAM and SeCAM apart."], table)
    beyond = [
        metric
        for scores, manifest in runs
        for metric in gains_over_all(scores, manifest, "secam", CONTROLS)[0]
    ]
    controls = any(scores["method"].isin(CONTROLS).any() for scores, _ in runs)
    own = _beyond(table, beyond) if controls else ""
    return Answer([_finding(table), _advice(table)], table, own)


def gains(scores: pd.DataFrame, manifest: dict[str, Any]) -> pd.DataFrame:
    """`contrast` of SeCAM with CAM: with side (1: SeCAM is better), group, title and about."""
    found = contrast(scores, manifest, "secam", "cam")
    if found is None:
        return pd.DataFrame()
    table = found.table
    better, worse = set(found.better()), set(found.worse())
    counts = sorted({int(n) for n in table["n"]})
    images = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else counts[0]
    return table.assign(
        side=[1 if m in better else -1 if m in worse else 0 for m in table["metric"]],
        group=[trust_group(scores, manifest, m) for m in table["metric"]],
        title=[_title(m, manifest) for m in table["metric"]],
        about=about(manifest, images),
    )


def trust_group(scores: pd.DataFrame, manifest: dict[str, Any], metric: str) -> str:
    """What a metric can say about CAM and SeCAM in this run.

    Not informative: neither of them is better than every null baseline of the run there.
    """
    by_method = scores_by_method(scores, metric)
    shown = by_method.loc[:, by_method.isna().mean() <= 0.5]
    nulls = [null for null in results.nulls_of(manifest) if null in shown]
    own = [method for method in ("cam", "secam") if method in shown]
    if nulls:
        higher = bool(results.is_higher_better(metric, manifest))
        groups = null_groups(shown[[*own, *nulls]], higher, nulls)
        if not (groups["group"] == "better").any():
            return BLIND
    kind = next(e["kind"] for e in manifest["metrics"].values() if e["spec"] == metric)
    return {"localisation": LOCALISED, "ground truth": KNOWN}.get(kind, FAITHFUL)


def _title(metric: str, manifest: dict[str, Any]) -> str:
    title = results.metric_title(metric, manifest)
    return title if title != metric else label_of(metric, "metrics")


def _finding(table: pd.DataFrame) -> str:
    where = " and ".join(dict.fromkeys(table["about"]))
    parts = []
    for group in GROUPS[:3]:
        part = table[table["group"] == group]
        if len(part):
            parts.append(f"{inside(group)}: {_sides(part)}")
    blind = int((table["group"] == BLIND).sum())
    if blind:
        parts.append(f"{blind} of {len(table)} metrics are not informative here")
    return f"On {where}, {'; '.join(parts)}."


def _sides(part: pd.DataFrame) -> str:
    said = []
    for side, words in ((1, "SeCAM is better in"), (-1, "CAM is better in")):
        titles = metrics_in(part[part["side"] == side])
        if titles:
            said.append(f"{words} {joined(titles)}")
    titles = metrics_in(part[part["side"] == 0])
    if titles and said:
        said.append(f"no difference is shown in {len(titles)} more")
    elif titles:
        said.append(f"no difference is shown in {joined(titles)}")
    return ", ".join(said)


def metrics_in(part: pd.DataFrame) -> list[str]:
    """The metrics of some rows of an answer's table, as they stand in a sentence."""
    return list(dict.fromkeys(inside(title.rstrip(" ↑↓")) for title in part["title"]))


def _advice(table: pd.DataFrame) -> str:
    model = table[table["group"].isin([FAITHFUL, KNOWN])]
    place = table[table["group"] == LOCALISED]
    said = [_for_the_model(model)]
    if (place["side"] > 0).any() and not (place["side"] < 0).any():
        said.append("for the object's outline take SeCAM")
    elif (place["side"] < 0).any() and not (place["side"] > 0).any():
        said.append("for the object's place, too, take CAM" if "take CAM" in said[0] else
                    "for the object's place take CAM")  # fmt: skip
    elif (place["side"] > 0).any():
        first, second = (joined(metrics_in(place[place["side"] * s > 0])) for s in (1, -1))
        said.append(
            f"for the object's place it depends on the question (SeCAM: {first}; CAM: {second})"
        )
    return f"Recommendation: {'; '.join(said)}."


def _for_the_model(model: pd.DataFrame) -> str:
    if model.empty:
        return "no metric here tells which shows better what the model uses: take CAM, the simpler"
    wins, losses = (model["side"] > 0).any(), (model["side"] < 0).any()
    if wins and not losses:
        return "to show what the model uses take SeCAM"
    if losses and not wins:
        return "to show what the model uses take CAM"
    why = "the metrics contradict one another" if wins else "no difference is shown"
    return f"to show what the model uses take CAM, the simpler one: {why}"


def _beyond(table: pd.DataFrame, beyond: Sequence[str]) -> str:
    if not (table["side"] > 0).any():
        return ""
    trusted = table[(table["group"] != BLIND) & table["metric"].isin(list(beyond))]
    if trusted.empty:
        return (
            "SeCAM is better than all of its controls in no informative metric: what it gains "
            "comes from averaging over regions, not from the image's own superpixels."
        )
    where = joined(metrics_in(trusted))
    return (
        f"SeCAM is better than all of its controls in {where} only: there the image's own "
        "superpixels add something."
    )
