"""Agreement: how alike metrics order the methods, and the images within one metric."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from xai_core.evaluation.statistics import ranks_per_image

Floats = npt.NDArray[np.float64]
RESAMPLES = 500
LEVELS = (0.025, 0.975)


def agreement(means: pd.DataFrame) -> pd.DataFrame:
    """Kendall's tau-b between the columns: methods x metrics (oriented, higher is better).

    NaN where fewer than 3 methods have both or a column is constant among these.
    """
    values = means.to_numpy(dtype=float).T
    known = np.isfinite(values)
    orders = np.nan_to_num(pair_orders(values)).reshape(len(values), -1)
    pairs = (known[:, :, None] & known[:, None, :]).reshape(len(values), -1)
    untied = orders**2 @ pairs.T  # of the pairs that both columns have
    with np.errstate(invalid="ignore", divide="ignore"):
        taus = orders @ orders.T / np.sqrt(untied * untied.T)
    taus[known.astype(int) @ known.T < 3] = np.nan
    return pd.DataFrame(taus, index=means.columns, columns=means.columns)


def pair_orders(values: Floats) -> Floats:
    """(..., n) -> (..., n, n): 1 where the first of two is larger, -1 where smaller, 0 for ties.

    Tau-b of x and y is sum(X Y) / sqrt(sum(X^2) sum(Y^2)) of their orders X and Y.
    """
    return np.asarray(np.sign(values[..., :, None] - values[..., None, :]), dtype=float)


def kendalls_w(scores: pd.DataFrame) -> float:
    """Kendall's coefficient of concordance, ties corrected, images as raters of the methods.

    1 where every image ranks the methods alike, about 0 where they rank at random; NaN with fewer
    than 2 methods or images, or where no image tells them apart.
    """
    ranks = ranks_per_image(scores, True).to_numpy()
    images, methods = ranks.shape
    if methods < 2 or images < 2:
        return float("nan")
    ties = sum((counts**3 - counts).sum() for counts in map(_tie_counts, ranks))
    spread = ((ranks.sum(axis=0) - images * (methods + 1) / 2) ** 2).sum()
    largest = images**2 * (methods**3 - methods) - images * ties
    return float(12 * spread / largest) if largest > 0 else float("nan")


def _tie_counts(row: Floats) -> npt.NDArray[np.int64]:
    return np.unique(row, return_counts=True)[1]


def agreement_intervals(
    scores: Mapping[str, pd.DataFrame], resamples: int = RESAMPLES, seed: int = 0
) -> Floats:
    """95 % percentile intervals (metrics, metrics, 2) of `agreement`, by bootstrap over images.

    `scores` holds each metric's images x methods (oriented, higher is better), NaN where
    undefined; all metrics are resampled with the same images.
    """
    tables = list(scores.values())
    images = pd.Index(sorted({image for table in tables for image in table.index}))
    methods = pd.Index(list(dict.fromkeys(m for table in tables for m in table.columns)))
    weights = _draws(len(images), resamples, seed)
    orders, known = [], []
    for table in tables:
        values = table.reindex(index=images, columns=methods).to_numpy(dtype=np.float64)
        defined = np.isfinite(values)
        with np.errstate(invalid="ignore"):
            means = (weights @ np.where(defined, values, 0.0)) / (weights @ defined)
        orders.append(np.nan_to_num(pair_orders(means)).reshape(resamples, -1))
        there = np.isfinite(means)
        known.append((there[:, :, None] & there[:, None, :]).reshape(resamples, -1))
    stacked, pairs = np.stack(orders, axis=1), np.stack(known, axis=1).astype(float)
    untied = stacked**2 @ pairs.transpose(0, 2, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        taus = stacked @ stacked.transpose(0, 2, 1) / np.sqrt(untied * untied.transpose(0, 2, 1))
    return _quantiles(taus)


def concordance_interval(
    scores: pd.DataFrame, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float, float]:
    """95 % percentile interval of `kendalls_w`, by bootstrap over images; NaN where undefined.

    An image that is drawn twice agrees with itself, which lifts W by (1 - W) / n on average: that
    is taken off again.
    """
    ranks = ranks_per_image(scores, True).to_numpy()
    images, methods = ranks.shape
    if methods < 2 or images < 2:
        return float("nan"), float("nan")
    ties = np.array([(counts**3 - counts).sum() for counts in map(_tie_counts, ranks)])
    weights = _draws(images, resamples, seed)
    spread = ((weights @ ranks - images * (methods + 1) / 2) ** 2).sum(axis=1)
    largest = images**2 * (methods**3 - methods) - images * (weights @ ties)
    found = np.divide(12 * spread, largest, out=np.full(resamples, np.nan), where=largest > 0)
    low, high = _quantiles(found) - (1 - kendalls_w(scores)) / images
    return max(float(low), 0.0), float(high)


def _draws(images: int, resamples: int, seed: int) -> Floats:
    """How often each resample (row) holds each image."""
    shares = np.full(images, 1 / images)
    return np.random.default_rng(seed).multinomial(images, shares, resamples).astype(np.float64)


def _quantiles(resampled: Floats) -> Floats:
    """The interval's ends on a last axis; NaN where no resample is defined."""
    undefined = np.isnan(resampled).all(axis=0)
    filled = np.where(undefined, 0.0, resampled)
    ends = np.nanquantile(filled, LEVELS, axis=0)
    return np.moveaxis(np.where(undefined, np.nan, ends), 0, -1)
