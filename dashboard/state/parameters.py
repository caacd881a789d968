"""Parameters: every choice that an address can hold, its default, and how it is spelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recipes import facts

from state.named_models import is_place, without_path
from xai_core import headline
from xai_core.spec import Spec

CLASSES = {
    "1": "Top class",
    "2": "Top 2 classes",
    "3": "Top 3 classes",
    "true": "Predicted, true",
    "named": "By name",
}
VIEWS = {"overlay": "Over the photo", "map": "Map alone", "kept": "Only what it keeps"}
FRAMINGS = {"whole": "Whole photo", "center_crop": "Centre crop"}
METRICS = (*headline.SHOWN, "relevance_mass")
SOURCES = {"orchard": "Orchard (shipped)", "folder": "A folder", "files": "Upload"}
OUTCOMES = {"all": "All", "right": "Right", "wrong": "Wrong"}
TITLES = {
    "classes": CLASSES,
    "view": VIEWS,
    "framing": FRAMINGS,
    "source": SOURCES,
    "outcome": OUTCOMES,
    "levels": {"nothing": "all levels"},
}
TOPICS: dict[str, facts.Kind] = {"topic": "methods", "metric_topic": "metrics"}
COMPACTNESS = (0.1, 0.3, 1.0, 3.0, 10.0, 20.0, 30.0, 50.0, 100.0)


@dataclass(frozen=True)
class Parameter:
    """One choice: its default, and how an address spells it; `parse` raises for nonsense.

    One that lists methods or metrics says so by its `kind`. One that is not written is read from
    an address only: a path of this computer is nobody else's business.
    """

    default: Any
    parse: Callable[[str], Any] = str
    spell: Callable[[Any], str] = str
    kind: facts.Kind | None = None
    in_address: bool = True
    """Whether the app writes it there; not what names a place on this computer."""


def _one_of(options: Mapping[str, str] | Sequence[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in options:
            raise ValueError(text)
        return text

    return parse


def _one_recipe(kind: facts.Kind) -> Callable[[str], str]:
    return lambda text: _one_of(list(facts.facts(kind)))(text)


def _model(text: str) -> str:
    name = without_path(text)
    if name == text and is_place(text):
        raise ValueError(text)
    return name


def _unless_place(name: str) -> str:
    return "" if is_place(name) else name


def _between(low: float, high: float, kind: type = float) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        if not low <= float(text) <= high:
            raise ValueError(text)
        return kind(float(text))

    return parse


def _one_number(options: Sequence[float]) -> Callable[[str], float]:
    def parse(text: str) -> float:
        return options[options.index(float(text))]

    return parse


def read(name: str, text: str) -> tuple[Any, list[str]]:
    """What an address says of a parameter, and one sentence for all of it that is not known.

    Lists keep what is known; without anything known the default stands for it.
    """
    parameter = PARAMETERS[name]
    if parameter.kind:
        return _known_specs(name, text, parameter.kind)
    try:
        return parameter.parse(text), []
    except (ValueError, OverflowError):
        used = parameter.spell(parameter.default) or "nothing"
        used = facts.label_of(used, TOPICS[name]) if name in TOPICS else used
        return parameter.default, [
            not_found(f"{name} {text}", TITLES.get(name, {}).get(used, used))
        ]


def not_found(asked: str, shown: str) -> str:
    """One sentence for what an address names in vain."""
    return f"Not found: {asked}. Shown instead: {shown or 'nothing'}."


def _known_specs(name: str, text: str, kind: facts.Kind) -> tuple[list[str], list[str]]:
    known = {recipe: fact.settings for recipe, fact in facts.facts(kind).items()}
    kept, problems = [], []
    for spec in dict.fromkeys(text.split()):
        try:
            meant = Spec.parse(spec)
        except ValueError as error:
            problems.append(f"{spec} ({error})")
            continue
        if meant.name not in known:
            problems.append(f"{kind.removesuffix('s')} {spec}")
        elif problem := meant.problem(known):
            problems.append(f"{spec} ({problem})")
        else:
            kept.append(spec)
    if not problems:
        return kept, []
    shown = kept or list(PARAMETERS[name].default)
    titles = ", ".join(facts.label_of(spec, kind) for spec in shown)
    return shown, [not_found(", ".join(problems), titles)]


def _levels(text: str) -> list[int]:
    return [int(level) for level in text.split()]


PARAMETERS = {
    "image": Parameter(""),
    "model": Parameter("orchard", _model, _unless_place),
    "beside": Parameter("", _model, _unless_place),
    "methods": Parameter(list(headline.METHODS), str.split, " ".join, "methods"),
    "classes": Parameter("1", _one_of(CLASSES)),
    "named": Parameter([], lambda text: text.split("|"), "|".join),
    "opacity": Parameter(0.7, _between(0, 1)),
    "view": Parameter("overlay", _one_of(VIEWS)),
    "framing": Parameter("whole", _one_of(FRAMINGS)),
    "threshold": Parameter(0.8, _between(0.05, 1)),
    "topic": Parameter("secam", _one_recipe("methods")),
    "metric_topic": Parameter("symmetric_relevance_gain", _one_recipe("metrics")),
    "run": Parameter("shipped"),
    "confusion": Parameter(""),
    "mistake": Parameter(""),
    "metric": Parameter(""),
    "curve": Parameter(""),
    "check": Parameter(""),
    "shown": Parameter([], str.split, " ".join),
    "labels": Parameter([], lambda text: text.split("|"), "|".join),
    "levels": Parameter([], _levels, lambda levels: " ".join(map(str, levels))),
    "outcome": Parameter("all", _one_of(OUTCOMES)),
    "truth": Parameter(""),
    "benchmark": Parameter(headline.TRUTH),
    "scene": Parameter(""),
    "part": Parameter(""),
    "checked": Parameter("part_correlation"),
    "channels": Parameter(4, _between(1, 12, int)),
    "synthesis": Parameter(False, lambda text: text == "true", lambda wanted: str(wanted).lower()),
    "source": Parameter("orchard", _one_of(SOURCES)),
    "folder": Parameter("", in_address=False),
    "limit": Parameter(24, _between(1, 1_000_000, int)),
    "nulls": Parameter(True, lambda text: text == "true", lambda wanted: str(wanted).lower()),
    "metrics": Parameter(list(METRICS), str.split, " ".join, "metrics"),
    "segments": Parameter(50, _between(10, 400, int)),
    "compactness": Parameter(10.0, _one_number(COMPACTNESS)),
}
FORMER = {
    "picture": "image",
    "network": "model",
    "measure": "metric",
    "measure_topic": "metric_topic",
}
"""What parameters were called in links that are older."""
