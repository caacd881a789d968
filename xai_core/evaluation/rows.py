"""Rows of the result tables: one score each, one curve each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xai_core.evaluation.cases import Loaded, Mapped
from xai_core.methods.base import Method
from xai_core.metrics.base import Metric, Scores


def score_rows(
    fixed: dict[str, Any],
    loaded: Loaded,
    method: Method,
    metric: Metric,
    mapped: Mapped,
    scores: Scores,
    seconds: float,
) -> list[dict[str, Any]]:
    """One row per image; `fixed` are the columns that are the same for the whole run."""
    values = scores.values.tolist()
    removed = [float("nan")] * len(values)
    if scores.removed is not None:
        removed = scores.removed.tolist()
    return [
        {
            **fixed,
            "image": item.name,
            "image_sha256": photo.sha256,
            "label": item.label,
            "level": item.level,
            "predicted": int(loaded.batch.predicted[index]),
            "target": int(mapped.targets[index]),
            "method": method.spec(),
            "method_key": method.key(),
            "metric": metric.spec(),
            "metric_key": metric.key(),
            "score": values[index],
            "reason": scores.reasons[index],
            "removed_fraction": removed[index],
            "attribute_seconds": mapped.seconds,
            "score_seconds": seconds,
        }
        for index, (item, photo) in enumerate(loaded.photos)
    ]


def curve_rows(
    sha256s: Sequence[str], method_key: str, metric: Metric, scores: Scores
) -> list[dict[str, Any]]:
    """One row per curve and image, with all its points; none for a metric without curves."""
    if scores.fractions is None:
        return []
    fractions = scores.fractions.cpu()
    return [
        {
            "image_sha256": sha256,
            "method_key": method_key,
            "metric_key": metric.key(),
            "curve": name,
            "fraction": (fractions if fractions.ndim == 1 else fractions[index]).numpy(),
            "value": values[index].cpu().numpy(),
        }
        for name, values in scores.curves.items()
        for index, sha256 in enumerate(sha256s)
        if not bool(values[index].isnan().all())
    ]
