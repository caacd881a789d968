"""Lead: which methods know more than null baselines, who leads, and whether that is certain."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from xai_core.evaluation.statistics import (
    bca_interval,
    bca_intervals,
    pairwise_wilcoxon,
    rank_stability,
)

ALPHA = 0.05
LEAST_IMAGES = 10
"""Below this no bootstrap interval is claimed, whatever the tests could show."""
Group = Literal["better", "open", "worse"]
GROUP_COLUMNS = ["null", "n", "gain", "low", "high", "p_holm", "group"]


@dataclass(frozen=True)
class Lead:
    """The methods of one metric, best mean first, `leader` against `runner_up` and the nulls.

    `share`: of 2,000 bootstrap samples of the images, those in which the leader has the best
    mean. `gap` (positive: the leader is better) with its 95 % BCa interval and p of Wilcoxon's
    signed-rank test, Holm-corrected over the leader's comparisons with all others; `open_with`:
    the others that it is not told apart from. `groups` as from `null_groups`. `left_out`: images
    on which some method has no score, so that these means are not those of each method alone.
    """

    images: int
    tests: int
    means: pd.Series[float]
    share: float
    gap: float
    low: float
    high: float
    p_holm: float
    open_with: tuple[str, ...]
    groups: pd.DataFrame
    left_out: int = 0

    @property
    def leader(self) -> str:
        return str(self.means.index[0])

    @property
    def runner_up(self) -> str:
        return str(self.means.index[1])

    @property
    def is_told_apart(self) -> bool:
        """By the test, and the interval of the mean gap agrees."""
        return self.runner_up not in self.open_with and self.low > 0

    @property
    def stands_alone(self) -> bool:
        """Whether the leader is told apart from every other method: only then is it the best.

        From a null baseline it is where `groups` say so, too: those are the stricter tests.
        """
        open_to_nulls = self.groups["group"].get(self.leader, "better") != "better"
        is_told = not self.open_with and not open_to_nulls
        return self.images >= self.least and is_told and self.low > 0

    @property
    def least(self) -> int:
        """The images below which these tests can show nothing."""
        return least_images(self.tests)


def lead(
    by_method: pd.DataFrame, higher_is_better: bool, nulls: Collection[str] = ()
) -> Lead | None:
    """`by_method`: images x methods, equal methods once; None with fewer than two of them.

    Only images on which every method is scored count, so that all means are of the same images.
    """
    complete = by_method.dropna()
    if complete.shape[1] < 2 or not len(complete):
        return None
    sign = 1 if higher_is_better else -1
    means = complete.mean().sort_values(ascending=not higher_is_better, kind="stable")
    first = str(means.index[0])
    others = [str(name) for name in means.index[1:]]
    rivals = paired(complete, [(first, other) for other in others], higher_is_better)
    difference = sign * (complete[first] - complete[others[0]]).to_numpy(dtype=np.float64)
    low, high = bca_interval(difference[:, None])[0]
    groups = null_groups(complete, higher_is_better, nulls)
    own = [name for name in complete if name not in nulls]
    return Lead(
        images=len(complete),
        tests=max(len(others), len(own) * (complete.shape[1] - len(own))),
        means=means,
        share=float(rank_stability(complete, higher_is_better)[first]),
        gap=float(difference.mean()),
        low=float(low),
        high=float(high),
        p_holm=float(rivals["p_holm"].iloc[0]),
        open_with=tuple(rivals.loc[rivals["side"] == 0, "second"]),
        groups=groups,
        left_out=len(by_method.dropna(how="all")) - len(complete),
    )


def null_groups(
    by_method: pd.DataFrame, higher_is_better: bool, nulls: Collection[str]
) -> pd.DataFrame:
    """Each method against every null baseline, paired by image; one row per method.

    Columns null (the one that it gains least over), n, gain over it with its 95 % BCa interval
    low and high, p_holm (Wilcoxon, Holm over all methods and nulls), and group: "better" than
    every null, "worse" than one of them, else "open": not told apart from at least one.
    """
    known = [str(name) for name in by_method if name in nulls]
    own = [str(name) for name in by_method if name not in nulls]
    if not known or not own:
        return pd.DataFrame(columns=GROUP_COLUMNS)
    pairs = [(method, null) for method in own for null in known]
    table = paired(by_method, pairs, higher_is_better)
    hardest = {
        str(method): part.iloc[int(part["gain"].to_numpy(dtype=float).argmin())]
        for method, part in table.groupby("first", sort=False)
    }
    sign = 1.0 if higher_is_better else -1.0
    gains = {m: sign * (by_method[m] - by_method[str(row["second"])]) for m, row in hardest.items()}
    bounds = bca_intervals(pd.DataFrame(gains)).reindex(list(gains))  # with the same draws for all
    sides = {str(method): set(part["side"]) for method, part in table.groupby("first", sort=False)}
    rows = {
        method: [
            row["second"], row["n"], row["gain"], *bounds.loc[method], row["p_holm"],
            _group(sides[method]),
        ]
        for method, row in hardest.items()
    }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index", columns=GROUP_COLUMNS)


def _group(sides: set[int]) -> Group:
    """Of a method whose tests against the null baselines gave these sides."""
    return "worse" if -1 in sides else "open" if 0 in sides else "better"


def paired(
    by_method: pd.DataFrame, pairs: Collection[tuple[str, str]], higher_is_better: bool
) -> pd.DataFrame:
    """Wilcoxon's test of each pair, Holm-corrected over the pairs, with the mean gain.

    Column side: 1 where the first is better, -1 where the second is, 0 where they are not told
    apart: p_holm is 0.05 or more, or the mean and the ranks disagree about who is better.
    """
    table = pairwise_wilcoxon(by_method, higher_is_better, pairs)
    sign = 1.0 if higher_is_better else -1.0
    values = {name: by_method[name].to_numpy(dtype=np.float64) for name in by_method}
    table["gain"] = [
        sign * float(np.nanmean(values[a] - values[b]))
        for a, b in zip(table["first"], table["second"], strict=True)
    ]
    agree = np.sign(table["gain"]) == np.sign(table["rank_biserial"])
    sure = (table["p_holm"] < ALPHA) & agree
    return table.assign(side=np.where(sure, np.sign(table["gain"]), 0).astype(int))


def least_images(tests: int) -> int:
    """The smallest n with which one of so many tests can still be significant at 5 %."""
    images = LEAST_IMAGES
    while smallest_p(images) * tests >= ALPHA:
        images += 1
    return images


def smallest_p(images: int) -> float:
    """The p value of Wilcoxon's test where every image says the same."""
    steps = np.arange(1.0, images + 1)
    table = pd.DataFrame({"first": steps, "second": np.zeros(images)})
    return float(pairwise_wilcoxon(table, True)["p_value"].iloc[0])
