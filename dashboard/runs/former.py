"""Former: which results of a run were computed before their recipe's values changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recipes.facts import Facts, facts, joined

from xai_core.recipe import key_of

MOST_NAMES = 6


def former_results(manifest: Mapping[str, Any]) -> list[str]:
    """Labels of the run's methods, metrics and benchmarks whose values are those of a former code.

    What this installation does not know is left out: nothing can be said of it.
    """
    known = {"methods": facts("methods"), "metrics": facts("metrics") | facts("benchmarks")}
    return [
        str(entry["label"])
        for kind, recipes in known.items()
        for key, entry in manifest[kind].items()
        if entry["name"] in recipes and "settings" in entry
        if key != _present_key(recipes[entry["name"]], entry["settings"])
    ]


def former_says(manifest: Mapping[str, Any]) -> str:
    """One sentence where some results are of a former code; nothing where none is."""
    names = former_results(manifest)
    if not names:
        return ""
    rest = len(names) - MOST_NAMES
    told = joined(names if rest <= 0 else [*names[:MOST_NAMES], f"{rest} more"])
    return f"Computed before a correction of the values: {told}. Evaluate again for those of now."


def _present_key(recipe: Facts, settings: Mapping[str, Any]) -> str:
    return key_of(recipe.name, recipe.constants["revision"], settings, recipe.settings)
