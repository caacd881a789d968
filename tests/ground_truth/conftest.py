"""Benchmarks are asked on drawn scenes: with the fixtures of the tests of the drawn world."""

from tests.orchard.conftest import cache, drawn_case, weighted_pixels

__all__ = ["cache", "drawn_case", "weighted_pixels"]
