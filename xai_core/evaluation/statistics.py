"""Statistics over images: intervals, tests, ranks and agreement; the image is the unit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

Floats = npt.NDArray[np.float64]
RESAMPLES = 2000
CELLS = 2**22
"""Of the numbers of draws (resamples x images), so many are held at once."""
EXACT = 50
"""Largest number of images for which signed-rank p values are exact, where nothing is tied."""


def bca_interval(
    values: Floats, confidence: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> Floats:
    """BCa bootstrap interval of the mean (Efron 1987) of each column: (n, k) -> (k, 2).

    All columns are resampled with the same rows. One row, or a constant column, gives its value
    twice; NaN is not accepted (ValueError).
    """
    values = np.asarray(values, dtype=np.float64)
    if np.isnan(values).any():
        raise ValueError("bca_interval needs defined values; leave undefined ones out first")
    count, columns = values.shape
    means = values.mean(axis=0)
    if count < 2:
        return np.stack([means, means], axis=1)
    resampled = np.sort(_resampled_means(values, resamples, seed), axis=0)

    # bias correction z0: where the mean lies among the resampled means, ties counted half
    below = (resampled < means).mean(axis=0) + (resampled == means).mean(axis=0) / 2
    z0 = stats.norm.ppf(np.clip(below, 0.5 / resamples, 1 - 0.5 / resamples))
    # acceleration: skewness of the means with one row left out, a sixth of it
    influence = values - means
    cubes, squares = (influence**3).sum(axis=0), (influence**2).sum(axis=0)
    steady = np.ptp(values, axis=0) == 0
    acceleration = np.divide(
        cubes, 6 * squares**1.5, out=np.zeros(columns), where=~steady & (squares > 0)
    )
    interval = np.empty((columns, 2))
    for side, tail in enumerate(((1 - confidence) / 2, (1 + confidence) / 2)):
        shifted = z0 + stats.norm.ppf(tail)
        level = stats.norm.cdf(z0 + shifted / (1 - acceleration * shifted))
        for column in range(columns):
            interval[column, side] = np.quantile(resampled[:, column], level[column])
    interval[steady] = means[steady, None]
    return interval


def _resampled_means(values: Floats, resamples: int, seed: int) -> Floats:
    """Means (resamples, k) of rows drawn with replacement, some resamples at a time."""
    count, random = len(values), np.random.default_rng(seed)
    parts = []
    for start in range(0, resamples, _at_once(count)):
        drawn = random.integers(0, count, (min(_at_once(count), resamples - start), count))
        cells = drawn + count * np.arange(len(drawn))[:, None]
        times = np.bincount(cells.ravel(), minlength=cells.size).reshape(cells.shape)
        parts.append(times.astype(np.float64) @ values / count)
    return np.concatenate(parts)


def _at_once(count: int) -> int:
    return max(1, CELLS // count)


def bca_intervals(table: pd.DataFrame, resamples: int = RESAMPLES, seed: int = 0) -> pd.DataFrame:
    """`bca_interval` of each column over the rows where it is defined: columns low and high.

    Columns that are defined in the same rows share the resamples; one without any is left out.
    """
    table = table.loc[:, table.notna().any()]
    defined = table.notna().to_numpy()
    packed = [np.packbits(column).tobytes() for column in defined.T]
    parts = []
    for pattern in dict.fromkeys(packed):
        part = table.loc[:, [found == pattern for found in packed]]
        interval = bca_interval(part.dropna().to_numpy(float), resamples=resamples, seed=seed)
        parts.append(pd.DataFrame(interval, index=part.columns, columns=["low", "high"]))
    return pd.concat(parts) if parts else pd.DataFrame(columns=["low", "high"])


def ranks_per_image(scores: pd.DataFrame, higher_is_better: bool) -> pd.DataFrame:
    """Images x methods -> ranks within each image, 1 for the best, equal scores sharing a mean.

    Images with an undefined score are left out.
    """
    return scores.dropna().rank(axis=1, ascending=not higher_is_better, method="average")


@dataclass(frozen=True)
class Friedman:
    """Friedman's test of equal methods (k methods, n images), with Nemenyi's critical difference.

    Two methods differ at 5 % if their mean ranks differ by more than
    CD = q sqrt(k (k + 1) / (6 n)), q the studentised range's quantile over sqrt 2 (Demsar 2006).
    """

    statistic: float
    p_value: float
    mean_ranks: pd.Series[float]
    critical_difference: float
    images: int

    @property
    def groups(self) -> list[tuple[str, ...]]:
        """Methods that are not told apart: the bars of the critical difference diagram."""
        ordered = self.mean_ranks.sort_values()
        names, ranks = list(ordered.index), ordered.to_numpy()
        groups: list[tuple[str, ...]] = []
        for start in range(len(names)):
            end = int(np.searchsorted(ranks, ranks[start] + self.critical_difference, "right"))
            group = tuple(names[start:end])
            if end - start > 1 and not (groups and set(group) <= set(groups[-1])):
                groups.append(group)
        return groups


def friedman(scores: pd.DataFrame, higher_is_better: bool, alpha: float = 0.05) -> Friedman:
    """Friedman's test over images x methods; raises ValueError below 3 methods or 2 images."""
    ranks = ranks_per_image(scores, higher_is_better)
    images, methods = ranks.shape
    if methods < 3 or images < 2:
        raise ValueError(
            f"Friedman's test needs 3 methods and 2 images, got {methods} and {images}"
        )
    values = ranks.to_numpy()
    if (values == values[:, :1]).all():
        statistic, p_value = 0.0, 1.0
    else:
        statistic, p_value = map(float, stats.friedmanchisquare(*values.T))
    return Friedman(
        statistic,
        p_value,
        ranks.mean(),
        critical_difference(methods, images, alpha),
        images,
    )


def critical_difference(methods: int, images: int, alpha: float = 0.05) -> float:
    """Nemenyi's critical difference of mean ranks."""
    quantile = stats.studentized_range.ppf(1 - alpha, methods, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(methods * (methods + 1) / (6 * images)))


def pairwise_wilcoxon(
    scores: pd.DataFrame,
    higher_is_better: bool,
    pairs: Collection[tuple[str, str]] | None = None,
) -> pd.DataFrame:
    """Every pair of methods: wins, p of Wilcoxon's signed-rank test, Holm-corrected, effect size.

    `pairs`: only these, and corrected for these only.
    Columns first, second, n, wins (images where `first` is better), losses, p_value, p_holm,
    rank_biserial (from -1, `second` always better, to 1). p is exact for up to 50 images without
    ties, else a normal approximation in which equal scores enter by Pratt's rule.
    """
    sign = 1.0 if higher_is_better else -1.0
    rows: list[dict[str, Any]] = []
    values = {name: scores[name].to_numpy(dtype=np.float64) for name in scores}
    for first, second in combinations(values, 2) if pairs is None else pairs:
        difference = sign * (values[first] - values[second])
        difference = difference[~np.isnan(difference)]
        rows.append(
            {
                "first": first,
                "second": second,
                "n": len(difference),
                "wins": int((difference > 0).sum()),
                "losses": int((difference < 0).sum()),
                "p_value": _signed_rank_p(difference),
                "rank_biserial": rank_biserial(difference),
            }
        )
    table = pd.DataFrame(
        rows, columns=["first", "second", "n", "wins", "losses", "p_value", "rank_biserial"]
    )
    table.insert(6, "p_holm", holm(table["p_value"].to_numpy(dtype=np.float64)))
    return table


def _signed_rank_p(difference: Floats) -> float:
    if not difference.any():
        return 1.0
    tied = len(np.unique(np.abs(difference))) < len(difference) or not difference.all()
    method = "exact" if len(difference) <= EXACT and not tied else "asymptotic"
    return float(stats.wilcoxon(difference, zero_method="pratt", method=method).pvalue)


def smallest_p(images: int, tests: int) -> float:
    """The smallest Holm-corrected p that signed-rank tests can give: the same method always wins.

    All 2^n signs are equally likely where methods are equal, two of them are this extreme.
    """
    return float(min(1.0, tests * 2.0 ** (1 - images)))


def is_too_few(images: int, methods: int, alpha: float = 0.05) -> bool:
    """Whether n is too small for any claim: no two of the methods could ever be told apart."""
    return smallest_p(images, methods * (methods - 1) // 2) > alpha


def rank_biserial(difference: Floats) -> float:
    """(R+ - R-) / (R+ + R-) over the ranks of the absolute differences that are not 0."""
    difference = difference[difference != 0]
    if not len(difference):
        return 0.0
    ranks = stats.rankdata(np.abs(difference))
    return float((np.sign(difference) * ranks).sum() / ranks.sum())


def holm(p_values: Floats) -> Floats:
    """Holm's step-down correction (1979): p values that keep the family-wise error."""
    count = len(p_values)
    order = np.argsort(p_values)
    stepped = np.maximum.accumulate(p_values[order] * (count - np.arange(count)))
    corrected = np.empty(count)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected


def rank_stability(
    scores: pd.DataFrame, higher_is_better: bool, resamples: int = RESAMPLES, seed: int = 0
) -> pd.Series[float]:
    """Share of bootstrap resamples of the images in which each method has the best mean."""
    values = scores.dropna().to_numpy(dtype=np.float64)
    count, methods = values.shape
    if not count or not methods:
        return pd.Series(np.nan, index=scores.columns, dtype=float)
    random, even = np.random.default_rng(seed), np.full(count, 1 / count)
    weighted = [
        random.multinomial(count, even, min(_at_once(count), resamples - start)) @ values
        for start in range(0, resamples, _at_once(count))
    ]
    means = np.concatenate(weighted) * (1 if higher_is_better else -1)
    best = means == means.max(axis=1, keepdims=True)
    shares = (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
    return pd.Series(shares, index=scores.columns)


def identical_groups(
    scores: pd.DataFrame, tolerance: float = 0.002, share: float = 0.99
) -> list[tuple[str, ...]]:
    """Groups of columns (methods) that score the same on the rows (image, metric).

    The same means: on at least `share` of the rows, within `tolerance` of the metric's range over
    all methods (maps that differ by a factor only still differ in their last bits). The rows'
    last index level is the metric.
    """
    metric = scores.index.get_level_values(-1)
    span = scores.max(axis=1).groupby(metric).max() - scores.min(axis=1).groupby(metric).min()
    allowed = tolerance * span.reindex(metric).to_numpy(dtype=np.float64)
    values = scores.to_numpy(dtype=np.float64)
    groups: list[list[int]] = []
    for column in range(values.shape[1]):
        for group in groups:
            apart = np.abs(values[:, column] - values[:, group[0]])
            both_undefined = np.isnan(values[:, column]) & np.isnan(values[:, group[0]])
            if ((apart <= allowed) | both_undefined).mean() >= share:
                group.append(column)
                break
        else:
            groups.append([column])
    return [tuple(scores.columns[column] for column in group) for group in groups]


def distinct(scores: pd.DataFrame, groups: Sequence[Sequence[str]]) -> pd.DataFrame:
    """One column for each group of identical methods: the first of it."""
    return scores[[group[0] for group in groups]]
