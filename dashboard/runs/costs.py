"""Costs: what methods and metrics take, in forward passes, as the shipped results note it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from recipes import facts

from runs import shipped_maps, tables

COUNTS = ("samples", "steps")
"""Settings that the passes grow with in proportion."""
BACKWARD = 3.0
"""A forward and a backward pass cost as much as so many forward passes."""


def passes(kind: facts.Kind = "methods") -> dict[str, float]:
    """Forward passes per image by spec."""
    shipped, stamp = shipped_maps.gallery(), tables.run_stamp(tables.SHIPPED)
    described = tables.manifest(tables.SHIPPED, stamp)[kind].values() if stamp else ()
    noted = {entry["spec"]: float(entry["passes"]) for entry in described}
    return {**(shipped.passes.get(kind, {}) if shipped else {}), **noted}


def passes_of(spec: str, kind: facts.Kind = "methods") -> float | None:
    """Forward passes per image; in proportion where only the number of samples or steps differs.

    None where no run noted them and they do not follow.
    """
    return _follows(spec, passes(kind), kind)


def _follows(spec: str, noted: Mapping[str, float], kind: facts.Kind = "methods") -> float | None:
    name, _, changed = spec.rstrip("]").partition("[")
    if spec in noted or name not in noted:
        return noted.get(spec)
    factor = 1.0
    for setting, _, value in (pair.partition("=") for pair in changed.split(",")):
        default = facts.facts(kind)[name].settings[setting].default
        if setting not in COUNTS or not isinstance(default, int | float):
            return None
        factor *= float(value) / default
    return noted[name] * factor


def cheapest_first(methods: Sequence[str]) -> dict[str, float]:
    """Methods by forward passes, few first.

    An unknown one is as dear as others of its name, else as one forward and one backward pass.
    """
    noted = passes() if methods else {}  # what notes them takes half a second to load
    dear: dict[str, float] = {}
    for method in methods:
        name, known = method.partition("[")[0], _follows(method, noted)
        alike = [count for spec, count in noted.items() if spec.partition("[")[0] == name]
        dear[method] = max(alike, default=BACKWARD) if known is None else known
    return dict(sorted(dear.items(), key=lambda item: item[::-1]))


def estimate(methods: Sequence[str], metrics: Sequence[str]) -> tuple[float | None, float | None]:
    """Forward passes per image, and seconds per pass on the machine of the shipped run."""
    stamp = tables.run_stamp(tables.SHIPPED)
    if not stamp:
        return None, None
    shared = sum(passes_of(metric, "metrics") or 0 for metric in metrics)
    total = sum((passes_of(method) or 0) + shared for method in methods)
    return total, tables.seconds_per_pass(tables.SHIPPED, stamp)


def speed_of() -> str:
    """Whose speed an estimate rests on: "model orchard", the only one that was timed."""
    described = tables.manifest(tables.SHIPPED, tables.run_stamp(tables.SHIPPED))
    return f"model {described['classifier']['name']}"


def not_counted(methods: Sequence[str], metrics: Sequence[str]) -> list[str]:
    """Titles of those whose passes are not known."""
    kinds: tuple[tuple[facts.Kind, Sequence[str]], ...] = (
        ("methods", methods),
        ("metrics", metrics),
    )
    return [
        facts.label_of(spec, kind)
        for kind, specs in kinds
        for spec in specs
        if passes_of(spec, kind) is None
    ]
