"""Two runs: the same methods and metrics on the same images, before and after, paired by image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from xai_core.evaluation.lead import ALPHA
from xai_core.evaluation.statistics import bca_intervals, holm, pairwise_wilcoxon
from xai_core.evaluation.summary import scores_by_method

KEYS = ["method_key", "metric_key"]
COLUMNS = [
    "method", "n", "first_mean", "second_mean", "gain", "low", "high", "deviation", "wins",
    "losses", "effect", "p", "p_holm", "told_apart",
]  # fmt: skip


@dataclass(frozen=True)
class TwoRuns:
    """The scores of two runs on the images, methods and metrics that both have.

    `images`: how many they share; `same_class`: those on which both explain the same class.
    """

    first: pd.DataFrame
    second: pd.DataFrame
    images: int
    same_class: int

    def metrics(self) -> list[str]:
        """The metrics that both runs have, in the first one's order."""
        return list(dict.fromkeys(self.first["metric"]))


def two_runs(
    first: pd.DataFrame,
    second: pd.DataFrame,
    first_manifest: Mapping[str, Any],
    second_manifest: Mapping[str, Any],
) -> TwoRuns:
    """What two runs share: images by content, methods and metrics by settings and revision."""
    images = set(first["image_sha256"]) & set(second["image_sha256"])
    cells = set(first[KEYS].itertuples(index=False, name=None)) & set(
        second[KEYS].itertuples(index=False, name=None)
    )
    parts = []
    for scores in (first, second):
        is_shared = pd.MultiIndex.from_frame(scores[KEYS]).isin(cells)
        parts.append(scores[is_shared & scores["image_sha256"].isin(images)])
    classes = [
        _classes(part, manifest)
        for part, manifest in zip(parts, (first_manifest, second_manifest), strict=True)
    ]
    alike = sum(classes[0][image] == classes[1].get(image) for image in classes[0])
    return TwoRuns(parts[0], parts[1], len(images), alike)


def _classes(scores: pd.DataFrame, manifest: Mapping[str, Any]) -> dict[str, str]:
    """Image -> the name of the class that is explained."""
    names = manifest["classifier"]["categories"]
    rows = scores.drop_duplicates("image_sha256")
    targets = zip(rows["image_sha256"], rows["target"], strict=True)
    return {str(image): str(names[int(target)]) for image, target in targets}


def paired_gains(both: TwoRuns, metric: str, higher_is_better: bool) -> pd.DataFrame:
    """One row per method (COLUMNS): what the second run gains over the first in one metric.

    `gain`: mean paired difference, positive where the second is better, with its 95 % BCa
    interval; p is Wilcoxon's signed-rank test, Holm-corrected over the methods. `told_apart`: by
    the test, and the interval of the mean gain agrees. A method with fewer than two images that
    are defined in both runs is left out.
    """
    here, there = (scores_by_method(scores, metric) for scores in (both.first, both.second))
    sign = 1.0 if higher_is_better else -1.0
    methods = [method for method in here if method in there]
    gains = (there[methods] - here[methods]) * sign
    gains = gains.loc[:, gains.count() >= 2]
    bounds = bca_intervals(gains)
    rows = []
    for method in map(str, gains):
        pair = pd.DataFrame({"second": there[method], "first": here[method]}).dropna()
        test = pairwise_wilcoxon(pair, higher_is_better).iloc[0]
        rows.append(
            {
                "method": method, "n": len(pair), "first_mean": pair["first"].mean(),
                "second_mean": pair["second"].mean(), "gain": gains[method].mean(),
                "low": bounds.loc[method, "low"], "high": bounds.loc[method, "high"],
                "deviation": gains[method].std(), "wins": test["wins"], "losses": test["losses"],
                "effect": test["rank_biserial"], "p": test["p_value"],
            }
        )  # fmt: skip
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["p_holm"] = holm(table["p"].to_numpy(dtype=float))
    is_clear = (table["low"] > 0) | (table["high"] < 0)
    return table.assign(told_apart=(table["p_holm"] < ALPHA) & is_clear)
