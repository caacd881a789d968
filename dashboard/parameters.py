"""Parameters: every choice that an address can hold, its default, and how it is spelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import facts

from xai_core import headline

CLASSES = {
    "1": "Top class",
    "2": "Top 2 classes",
    "3": "Top 3 classes",
    "true": "Predicted, true",
    "named": "By name",
}
VIEWS = {"overlay": "Over the photo", "map": "Map alone", "kept": "Only what it keeps"}
FRAMINGS = {"whole": "Whole photo", "center_crop": "Central crop"}
METRICS = (*headline.SHOWN, "relevance_mass")
SOURCES = {"orchard": "Orchard (shipped)", "folder": "A folder", "files": "Upload"}
OUTCOMES = {"all": "All", "right": "Right", "wrong": "Wrong"}
COMPACTNESS = (0.1, 0.3, 1.0, 3.0, 10.0, 20.0, 30.0, 50.0, 100.0)


@dataclass(frozen=True)
class Parameter:
    """One choice: its default, and how an address spells it; `parse` raises for nonsense."""

    default: Any
    parse: Callable[[str], Any] = str
    spell: Callable[[Any], str] = str


def _one_of(options: Mapping[str, str] | Sequence[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in options:
            raise ValueError(text)
        return text

    return parse


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


def _specs(text: str) -> list[str]:
    return [spec for spec in text.split() if spec.partition("[")[0] in facts.facts("methods")]


def _levels(text: str) -> list[int]:
    return [int(level) for level in text.split()]


PARAMETERS = {
    "picture": Parameter(""),
    "network": Parameter("orchard"),
    "methods": Parameter(list(headline.METHODS), _specs, " ".join),
    "classes": Parameter("1", _one_of(CLASSES)),
    "named": Parameter([], lambda text: text.split("|"), "|".join),
    "opacity": Parameter(0.7, _between(0, 1)),
    "view": Parameter("overlay", _one_of(VIEWS)),
    "framing": Parameter("whole", _one_of(FRAMINGS)),
    "threshold": Parameter(0.8, _between(0.05, 1)),
    "topic": Parameter("secam"),
    "measure_topic": Parameter("symmetric_relevance_gain"),
    "run": Parameter("shipped"),
    "confusion": Parameter(""),
    "mistake": Parameter(""),
    "measure": Parameter(""),
    "curve": Parameter(""),
    "check": Parameter(""),
    "shown": Parameter([], str.split, " ".join),
    "labels": Parameter([], lambda text: text.split("|"), "|".join),
    "levels": Parameter([], _levels, lambda levels: " ".join(map(str, levels))),
    "outcome": Parameter("all", _one_of(OUTCOMES)),
    "truth": Parameter(""),
    "benchmark": Parameter("part_correlation"),
    "scene": Parameter(""),
    "part": Parameter(""),
    "checked": Parameter("part_correlation"),
    "channels": Parameter(4, _between(1, 12, int)),
    "synthesis": Parameter(False, lambda text: text == "true", lambda wanted: str(wanted).lower()),
    "source": Parameter("orchard", _one_of(SOURCES)),
    "folder": Parameter(""),
    "limit": Parameter(24, _between(1, 1_000_000, int)),
    "nulls": Parameter(True, lambda text: text == "true", lambda wanted: str(wanted).lower()),
    "metrics": Parameter(list(METRICS), str.split, " ".join),
    "segments": Parameter(50, _between(10, 400, int)),
    "compactness": Parameter(10.0, _one_number(COMPACTNESS)),
}
