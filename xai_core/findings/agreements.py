"""Agreements: how far metrics agree on methods, and images within one metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from xai_core.evaluation.agreement import (
    agreement,
    agreement_intervals,
    concordance_interval,
    kendalls_w,
)
from xai_core.evaluation.summary import (
    oriented_means,
    rankable,
    same_methods,
    scores_by_method,
)
from xai_core.findings.results import is_higher_better, metrics_of

Floats = npt.NDArray[np.float64]
Manifest = dict[str, Any]


@dataclass(frozen=True)
class Agreements:
    """How far metrics agree on the order of methods, and images within one metric.

    `between` is metrics x metrics with its `intervals` (metrics, metrics, 2); `within` has a row
    for each metric: w, low, high, n.
    """

    between: pd.DataFrame
    intervals: Floats
    within: pd.DataFrame
    methods: int
    images: int


def agreements(scores: pd.DataFrame, manifest: Manifest) -> Agreements:
    """Kendall's tau-b between metrics over methods' means, Kendall's W of each over images.

    Methods that coincide are counted once.
    """
    groups = same_methods(scores, manifest)
    twins = {name for group in groups for name in group[1:]}
    own = scores[~scores["method"].isin(twins)]
    means = oriented_means(own, manifest)
    order = [m for m in metrics_of(manifest) if m in means]
    tables = {m: scores_by_method(own, m) for m in order}
    signs = {m: 1 if is_higher_better(m, manifest) else -1 for m in order}
    rows = []
    for by_method in map(rankable, tables.values()):
        low, high = concordance_interval(by_method)
        rows.append((kendalls_w(by_method), low, high, len(by_method.dropna())))
    return Agreements(
        agreement(means[order]),
        agreement_intervals({m: table * signs[m] for m, table in tables.items()}),
        pd.DataFrame(rows, index=order, columns=["w", "low", "high", "n"]),
        len(means),
        own["image_sha256"].nunique(),
    )


def pair_table(values: Floats, intervals: Floats, names: Sequence[str], value: str) -> pd.DataFrame:
    """One row for each pair of names: the value and its interval."""
    pairs = [(i, j) for i in range(len(names)) for j in range(i + 1, len(names))]
    rows = [
        {
            "First": names[i],
            "Second": names[j],
            value: values[i, j],
            "CI low": intervals[i, j, 0],
            "CI high": intervals[i, j, 1],
        }
        for i, j in pairs
    ]
    return pd.DataFrame(rows, columns=["First", "Second", value, "CI low", "CI high"])
