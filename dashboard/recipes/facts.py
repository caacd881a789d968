"""Facts about methods and metrics: titles, settings and specs, without torch."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from recipes import known
from xai_core.recipe import Setting, Value
from xai_core.spec import Spec
from xai_core.titles import Kind as Kind
from xai_core.titles import joined as joined
from xai_core.titles import label_of as label_of

_KNOWN: dict[Kind, dict[str, Facts]] = {}
_ONCE = threading.Lock()


@dataclass(frozen=True)
class Facts:
    """One recipe as it declares itself: class constants, settings and docstring."""

    name: str
    constants: dict[str, Any]
    settings: dict[str, Setting]
    doc: str

    def __getattr__(self, constant: str) -> Any:
        try:
            return self.constants[constant]
        except KeyError:
            raise AttributeError(f"{self.name} declares no {constant}") from None

    @property
    def arrow(self) -> str:
        """Which way is better for a metric: an arrow, or nothing for descriptive ones."""
        better = self.constants.get("higher_is_better")
        return "" if better is None else "↑" if better else "↓"


def facts(kind: Kind) -> dict[str, Facts]:
    """Name -> facts of every method, metric or benchmark, in order of their names."""
    return _all()[kind]


def _all() -> dict[Kind, dict[str, Facts]]:
    with _ONCE:
        if not _KNOWN:
            told = known.described()
            for kind in get_args(Kind):
                _KNOWN[kind] = {
                    name: _facts(name, **told[kind][name]) for name in sorted(told[kind])
                }
    return _KNOWN


def _facts(
    name: str, constants: dict[str, Any], settings: dict[str, dict[str, Any]], doc: str
) -> Facts:
    return Facts(name, constants, {k: _setting(**told) for k, told in settings.items()}, doc)


def _setting(choices: Sequence[str] | None, **told: Any) -> Setting:
    return Setting(**told, choices=None if choices is None else tuple(choices))


def is_class_sensitive(spec: str) -> bool:
    """Whether a method's map depends on the class that is explained."""
    fact = facts("methods").get(spec.partition("[")[0])
    return fact is None or bool(fact.constants.get("class_sensitive", True))


FAMILIES = ("CAM", "gradients", "LRP", "SHAP", "perturbation", "attention", "baseline")
"""The order in which methods are offered."""


def by_family() -> list[str]:
    """Every method, the families one after another, the baselines last."""
    known = facts("methods")
    order = {family: place for place, family in enumerate(FAMILIES)}
    return sorted(known, key=lambda name: (order.get(known[name].family, -1), known[name].title))


def spec_of(name: str, values: Mapping[str, Value], kind: Kind = "methods") -> str:
    """The spec of a recipe with these settings: only what differs from the defaults is spelled."""
    settings = facts(kind)[name].settings
    changed = {k: v for k, v in values.items() if k in settings and v != settings[k].default}
    spelled = ",".join(
        f"{k}={str(v).lower() if isinstance(v, bool) else v}" for k, v in changed.items()
    )
    return f"{name}[{spelled}]" if spelled else name


def changed(spec: str, **values: Value) -> str:
    """The spec with some settings replaced, the others as they are."""
    read = Spec.parse(spec)
    return str(Spec(read.name, {**read.settings, **{k: str(v) for k, v in values.items()}}))
