"""Metrics: one file each; `METRICS` maps every file's name to its class."""

from pathlib import Path

from xai_core.catalog import discover
from xai_core.metrics.base import Case, Metric, Scores

METRICS = discover(__name__, Path(__file__).parent, Metric)

__all__ = ["METRICS", "Case", "Metric", "Scores"]
