"""Contrast: one method against others over a run's images, in numbers and in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from xai_core.evaluation.lead import ALPHA
from xai_core.evaluation.statistics import bca_intervals, holm, pairwise_wilcoxon
from xai_core.evaluation.summary import directions

CONTROLS = ("cam_nearest", "cam_blurred", "secam_grid", "secam_foreign")
CAM_FAMILY = ("cam", "secam", *CONTROLS)
"""CAM, what SeCAM makes of it, and their controls: nearly one map where metrics are judged."""


@dataclass(frozen=True)
class Contrast:
    """`table` has one row per metric: n, both means, the gain (positive: `first` is better),
    its interval and the standard deviation of the paired differences, wins, p values, effect."""

    first: str
    second: str
    table: pd.DataFrame

    def better(self) -> list[str]:
        """The metrics in which `first` is better, beyond chance."""
        return self._where(1)

    def worse(self) -> list[str]:
        return self._where(-1)

    def undecided(self) -> list[str]:
        return [m for m in self.table["metric"] if m not in self.better() + self.worse()]

    def _where(self, sign: int) -> list[str]:
        table = self.table
        sure = (table["p_holm"] < ALPHA) & (np.sign(table["gain"]) == sign)
        return list(table.loc[sure, "metric"])


def contrast(
    scores: pd.DataFrame, manifest: Mapping[str, Any], first: str, second: str
) -> Contrast | None:
    """`first` against `second` in every ranked metric, paired by image; None where one is absent.

    The gain is the mean difference, turned so that positive means `first` is better, with a 95 %
    BCa interval; p is Wilcoxon's signed-rank test, Holm-corrected over the metrics.
    """
    found = scores[scores["method"].isin([first, second])]
    if found["method"].nunique() < 2:
        return None
    wide = found.pivot_table(
        index="image_sha256", columns=["method", "metric"], values="score", sort=False
    )
    ranked = directions(manifest)
    signs = {metric: 1 if higher else -1 for metric, higher in ranked.items()}
    by_metric = {name: pd.DataFrame(wide[name]) for name in (first, second)}
    gains = (by_metric[first] - by_metric[second]).reindex(columns=list(ranked)) * pd.Series(signs)
    gains = gains.loc[:, gains.count() >= 2]
    bounds = bca_intervals(gains)
    rows = []
    for metric in [name for name in ranked if name in gains]:
        pair = pd.DataFrame({name: of[metric] for name, of in by_metric.items()}).dropna()
        test = pairwise_wilcoxon(pair, ranked[metric]).iloc[0]
        rows.append(
            {
                "metric": metric,
                "n": len(pair),
                "first_mean": pair[first].mean(),
                "second_mean": pair[second].mean(),
                "gain": gains[metric].mean(),
                "low": bounds.loc[metric, "low"],
                "high": bounds.loc[metric, "high"],
                "deviation": gains[metric].std(),
                "wins": test["wins"],
                "losses": test["losses"],
                "effect": test["rank_biserial"],
                "p": test["p_value"],
            }
        )
    if not rows:
        return None
    table = pd.DataFrame(rows)
    table["p_holm"] = holm(table["p"].to_numpy())
    return Contrast(first, second, table)


def gains_over_all(
    scores: pd.DataFrame, manifest: Mapping[str, Any], first: str, others: Sequence[str]
) -> tuple[list[str], list[str]]:
    """The metrics in which `first` beats every one of `others`, and which of them were there."""
    found = [c for other in others if (c := contrast(scores, manifest, first, other))]
    if not found:
        return [], []
    common = set.intersection(*(set(c.better()) for c in found))
    order = list(found[0].table["metric"])
    return [m for m in order if m in common], [c.second for c in found]
