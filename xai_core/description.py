"""Description: what the recipes declare, as plain data for those who do not load torch."""

from __future__ import annotations

import dataclasses
import inspect
import json
from typing import Any

from xai_core.recipe import Recipe

PLAIN = (bool, int, float, str, type(None))


def describe() -> dict[str, dict[str, dict[str, Any]]]:
    """The constants, settings and docstring of all "methods", "metrics", "benchmarks" by name."""
    from xai_core.ground_truth.benchmarks import BENCHMARKS
    from xai_core.methods import METHODS
    from xai_core.metrics import METRICS

    return {
        "methods": {name: _described(recipe) for name, recipe in METHODS.items()},
        "metrics": {name: _described(recipe) for name, recipe in METRICS.items()},
        "benchmarks": {name: _described(recipe) for name, recipe in BENCHMARKS.items()},
    }


def _described(recipe: type[Recipe]) -> dict[str, Any]:
    declared = [name for cls in recipe.__mro__ for name in vars(cls).get("__annotations__", {})]
    constants = {name: getattr(recipe, name, ...) for name in declared}
    fields = {field.name for field in dataclasses.fields(recipe)}
    return {
        "constants": {
            name: value
            for name, value in constants.items()
            if name not in fields and isinstance(value, PLAIN)
        },
        "settings": {name: vars(setting) for name, setting in recipe.declared().items()},
        "doc": inspect.cleandoc(recipe.__doc__ or ""),
    }


if __name__ == "__main__":
    print(json.dumps(describe()))
