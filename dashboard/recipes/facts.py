"""Facts about methods and metrics: titles, settings and specs, without torch."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from recipes import known
from xai_core.recipe import Setting, Value, in_words
from xai_core.spec import Spec

Kind = Literal["methods", "metrics", "benchmarks"]
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


def label_of(spec: str, kind: Kind = "methods") -> str:
    """The title of a spec such as `secam[segments=200]`, with the settings that were changed."""
    read = Spec.parse(spec)
    fact = facts(kind).get(read.name)
    title = str(fact.title) if fact else read.name.replace("_", " ")
    changes = ", ".join(in_words(name, value) for name, value in read.settings.items())
    return f"{title} ({changes})" if changes else title


def joined(names: Sequence[str]) -> str:
    """a, b and c"""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


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
