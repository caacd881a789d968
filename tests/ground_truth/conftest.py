"""Benchmarks are asked on drawn scenes: with the fixtures of the tests of the drawn world."""

from tests.orchard.conftest import _one_thread, cache, drawn_case, weighted_pixels

__all__ = ["_one_thread", "cache", "drawn_case", "weighted_pixels"]
