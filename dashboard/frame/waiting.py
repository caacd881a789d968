"""Waiting: how far a map is, when it will be there, and what it waits for, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from compute.questions import Answer, Maps, Question
from recipes import facts
from runs.costs import BACKWARD, COUNTS

from xai_core.spec import Spec

Progress = Callable[[Question], tuple[int, float] | None]
BY_CLASS = ("gradients",)
"""Families whose passes are for one class; all others share theirs."""
ORDER = ("next", "second in order", "third in order")
LEAST_PASSES = 8
"""Fewer passes tell no speed: the first one loads and traces the model."""


def texts(
    maps: Sequence[Maps],
    known: Mapping[Question, Answer],
    passes: Mapping[str, float],
    progress: Progress,
) -> dict[str, str]:
    """Method -> how far it is, for the maps that are not there; `maps` in their order.

    `passes` are the forward passes of each method for one image and class.
    """
    open_maps = [question for question in maps if question not in known]
    at_work = {question.method: progress(question) for question in open_maps}
    asked = {question.method: _asked(question, passes) for question in maps}
    speed = _speed([q for q in maps if q in known], known, asked)
    said, place = {}, 0
    for question in open_maps:
        method, now = question.method, at_work[question.method]
        if now is None:
            said[method] = says(method, None, asked[method], speed, place)
            place += 1
            continue
        done = now[0] * (BACKWARD if _is_by_class(method) else 1)
        if done >= LEAST_PASSES:
            speed = now[1] / done
        said[method] = says(method, done, asked[method], speed)
    return said


def says(method: str, done: float | None, asked: float, speed: float | None, place: int = 0) -> str:
    """ "240 of 500 samples, about 20 s", or of one that is not begun its place in the order.

    `done` and `asked` in forward passes, `speed` in seconds per pass, None where unknown.
    """
    unit, count = _unit(method, asked)
    left = asked - (done or 0)
    time = "" if speed is None or left <= 0 else f", about {max(1, round(left * speed)):,} s"
    if done is None:
        order = ORDER[place] if place < len(ORDER) else f"number {place + 1} in order"
        return f"{order}: {count:,} {unit}{time}"
    part = min(count, round(count * done / asked)) if asked else 0
    return f"{part:,} of {count:,} {unit}{time}"


def _asked(question: Maps, passes: Mapping[str, float]) -> float:
    classes = len(question.targets) if _is_by_class(question.method) else 1
    return passes.get(question.method, 1.0) * classes


def _is_by_class(method: str) -> bool:
    name = Spec.parse(method).name
    fact = facts.facts("methods").get(name)
    return fact is not None and (fact.family in BY_CLASS or "gradient" in name)


def _unit(method: str, asked: float) -> tuple[str, int]:
    """What people count of a method, and how many of it there are."""
    spec = Spec.parse(method)
    settings = facts.facts("methods")[spec.name].settings
    for name in COUNTS:
        if name in settings:
            return name, int(float(str(spec.settings.get(name, settings[name].default))))
    return "forward passes", max(1, round(asked))


def _speed(
    maps: Sequence[Maps], known: Mapping[Question, Answer], asked: Mapping[str, float]
) -> float | None:
    """Seconds per forward pass of the dearest method that is there, where it tells anything."""
    told = [q for q in maps if not known[q].error and asked[q.method] >= LEAST_PASSES]
    if not told:
        return None
    dearest = max(told, key=lambda question: asked[question.method])
    return known[dearest].seconds / asked[dearest.method]
