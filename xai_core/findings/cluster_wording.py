"""Clusters' wording: which group of images the model is wrong on more often than on the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from xai_core.evaluation.clusters import MOST, SIDE_PX
from xai_core.evaluation.lead import ALPHA
from xai_core.evaluation.statistics import holm
from xai_core.findings import results
from xai_core.findings.phrases import about, p_value

CAPTION = (
    f"Spectral clustering of the heatmaps' positive parts at {SIDE_PX} x {SIDE_PX} (Lapuschkin et "
    f"al., 2019; square root of n neighbours, 2 to {MOST} clusters by the largest gap of the "
    "eigenvalues, seed 0). It groups by place: what moves about in the image stays unnoticed."
)


def clusters_say(table: pd.DataFrame, method: str, manifest: dict[str, Any]) -> list[str]:
    """How many clusters there are, and which have another share of errors than all the others."""
    where = about(manifest, int(table["n"].sum()))
    name = results.method_title(method, manifest)
    said = [f"On {where}, the heatmaps of {name} make {len(table)} clusters."]
    if not table["labelled"].sum():
        return [*said, "No image has a label, so no cluster's share of errors is known."]
    p_values = holm(np.array([_against_the_rest(table, n) for n in range(len(table))]))
    rest = [_rate_of_rest(table, n) for n in range(len(table))]
    told = [
        f"In cluster {row['cluster']} the model is wrong on {row['wrong']} of {row['labelled']} "
        f"images, {'more' if row['error_rate'] > other else 'less'} often than on the others "
        f"({p_value(p)})."
        for row, p, other in zip(table.to_dict("records"), p_values, rest, strict=True)
        if p < ALPHA
    ]
    return [*said, *(told or ["No cluster's share of errors is told apart from the others'."])]


def _rate_of_rest(table: pd.DataFrame, number: int) -> float:
    rest = table.drop(index=table.index[number])
    return float(rest["wrong"].sum() / max(1, rest["labelled"].sum()))


def _against_the_rest(table: pd.DataFrame, number: int) -> float:
    """p of Fisher's exact test: one cluster's errors against those of all others."""
    own, rest = table.iloc[number], table.drop(index=table.index[number])
    counts = [
        [int(part["wrong"]), int(part["labelled"] - part["wrong"])]
        for part in (own, rest[["wrong", "labelled"]].sum())
    ]
    return float(stats.fisher_exact(counts).pvalue)
