"""Titles: what recipes are called for people, read from their files; nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

from xai_core.recipe import labelled
from xai_core.spec import Spec

Kind = Literal["methods", "metrics", "benchmarks"]
_CORE = Path(__file__).parent
FOLDERS: dict[Kind, Path] = {
    "methods": _CORE / "methods",
    "metrics": _CORE / "metrics",
    "benchmarks": _CORE / "ground_truth" / "benchmarks",
}


def label_of(spec: str, kind: Kind = "methods") -> str:
    """The title of a spec such as `secam[segments=200]`, with the settings that were changed."""
    read = Spec.parse(spec)
    title = constant_of(kind, read.name, "title") or read.name.replace("_", " ")
    return labelled(title, read.settings, dict(_declared(kind, read.name, "wording") or ()))


def constant_of(kind: Kind, name: str, constant: str) -> str:
    """A text that the recipe `name` declares on its class; "" where there is none."""
    return str(_declared(kind, name, constant) or "")


@cache
def _declared(kind: Kind, name: str, constant: str) -> Any:
    """What stands for `constant` in the file of the recipe; None where nothing does."""
    path = FOLDERS[kind] / f"{name}.py"
    if not name.isidentifier() or not path.is_file():
        return None
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == constant:
            return ast.literal_eval(node.value)
    return None


def joined(names: Sequence[str]) -> str:
    """a, b and c"""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def percent(share: float, digits: int = 0) -> str:
    """A share of one as it is written everywhere: "94 %", with `digits` decimals "93.8 %"."""
    return f"{100 * share:.{digits}f} %"
