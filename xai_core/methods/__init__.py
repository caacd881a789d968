"""Explanation methods: one file each; `METHODS` maps every file's name to its class."""

from pathlib import Path

from xai_core.catalog import discover
from xai_core.methods.base import Method

METHODS = discover(__name__, Path(__file__).parent, Method)

__all__ = ["METHODS", "Method"]
