"""Benchmarks: metrics whose right answer is known, one file each.

Scenes are drawn again with one thing removed, so what the model uses is known by intervention:
part_correlation, sufficiency, necessity, distractibility, target_sensitivity. In the others it is
known by construction: grid_pointing (mosaics), shortcut_contrast (a planted shortcut).
"""

from pathlib import Path

from xai_core.catalog import discover
from xai_core.metrics.base import Metric

BENCHMARKS = discover(__name__, Path(__file__).parent, Metric)

__all__ = ["BENCHMARKS"]
