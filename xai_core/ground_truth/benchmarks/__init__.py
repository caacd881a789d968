"""Benchmarks: metrics whose right answer is known, one file each.

Scenes are drawn again with one thing removed, so what the model uses is known by intervention;
or it is known by construction: mosaics, a planted shortcut.
"""

from pathlib import Path

from xai_core.catalog import discover
from xai_core.ground_truth.benchmarks.base import Benchmark

BENCHMARKS = discover(__name__, Path(__file__).parent, Benchmark)

__all__ = ["BENCHMARKS", "Benchmark"]
