"""Mean curves: what a run's curve metrics stored, averaged over images with bands."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from xai_core.evaluation.statistics import (
    bca_interval,
)
from xai_core.findings.results import metrics_of

CURVE_RESAMPLES = 500
Floats = npt.NDArray[np.float64]
Manifest = dict[str, Any]


def curve_metrics(curves: pd.DataFrame, manifest: Manifest) -> list[str]:
    """The metrics that stored curves, headline first."""
    keys = set(curves["metric_key"].unique())
    stored = {e["spec"] for key, e in manifest["metrics"].items() if key in keys}
    return [metric for metric in metrics_of(manifest) if metric in stored]


def curve_means(
    curves: pd.DataFrame,
    manifest: Manifest,
    metric: str,
    methods: Sequence[str],
    images: Collection[str],
) -> pd.DataFrame:
    """Mean curves over images with their 95 % bootstrap bands, one row per point.

    Columns method (spec), curve, fraction, mean, low, high, n. Curves whose points lie at other
    fractions in every image are read off at 41 even ones.
    """
    key = next(k for k, e in manifest["metrics"].items() if e["spec"] == metric)
    specs = {k: e["spec"] for k, e in manifest["methods"].items() if e["spec"] in methods}
    rows = curves[(curves["metric_key"] == key) & curves["method_key"].isin(list(specs))]
    rows = rows[rows["image_sha256"].isin(set(images))]
    parts = []
    places = {key: list(methods).index(spec) for key, spec in specs.items()}
    rows = rows.assign(place=rows["method_key"].map(places))
    for (_, method_key, curve), part in rows.groupby(["place", "method_key", "curve"]):
        fractions, values = _on_one_grid(part)
        if not len(values):
            continue
        low, high = bca_interval(values, resamples=CURVE_RESAMPLES).T
        parts.append(
            pd.DataFrame(
                {
                    "method": specs[str(method_key)],
                    "curve": curve,
                    "fraction": fractions,
                    "mean": values.mean(axis=0),
                    "low": low,
                    "high": high,
                    "n": len(values),
                }
            )
        )
    columns = ["method", "curve", "fraction", "mean", "low", "high", "n"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _on_one_grid(part: pd.DataFrame) -> tuple[Floats, Floats]:
    """Fractions (P,) and values (N, P) of one method's curves, images without NaN only."""
    codes = pd.factorize(part["image_sha256"])[0]
    order, ends = np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1]
    by_image = zip(
        np.split(part["fraction"].to_numpy(float)[order], ends),
        np.split(part["value"].to_numpy(float)[order], ends),
        strict=True,
    )
    sound = [(f, v) for f, v in by_image if not np.isnan(v).any()]
    if not sound:
        return np.empty(0), np.empty((0, 0))
    if len({len(f) for f, _ in sound}) == 1:
        fractions = np.stack([f for f, _ in sound])
        if np.allclose(fractions, fractions[0]):
            return fractions[0], np.stack([v for _, v in sound])
    even = np.linspace(0, 1, 41)
    return even, np.stack([np.interp(even, f, v) for f, v in sound])
