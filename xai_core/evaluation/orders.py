"""Orders: how much work goes to a worker at once, and how the worker does it.

An order costs the scheduler and both its ends some 20 ms, so what is computed quickly goes out
together. What takes long is given back in between: a killed worker loses little, and to the end
all workers have something to do.
"""

from __future__ import annotations

import hashlib
import io
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from threading import Lock

import xai_core
from xai_core.evaluation.allocator import keep_blocks
from xai_core.evaluation.computing import Computer
from xai_core.evaluation.plan import Unit
from xai_core.evaluation.tasks import Task, Tray
from xai_core.models.classifier import Classifier

Load = Callable[[], Classifier]
ORDER_SECONDS = 4.0
"""An order is about so much work at least,"""
ORDER_LOADS = 100
"""and so many times what it takes to load a unit: whoever goes on with a unit loads it again."""
PART_SECONDS = 1.0
"""Units that take less stay whole."""
AHEAD = 2
"""Orders that are always out for each thread of a worker, so that none is idle."""


class WorkersError(ValueError):
    """Workers that cannot be reached or used; the message is one sentence for people."""


@dataclass(frozen=True)
class Order:
    """Tasks of one job, and what tells a worker whether it computes what this process would."""

    tasks: tuple[Task, ...]
    load: Load
    code: str
    folder: str


@dataclass(frozen=True)
class Answer:
    """An order's first `pieces`; they took `seconds`, of them `loading` for each unit."""

    pieces: int
    tray: Tray
    seconds: float
    loading: float


def _enough(loading: float) -> float:
    """Seconds after which a worker gives back what it has."""
    return max(ORDER_SECONDS, ORDER_LOADS * loading)


class Queue:
    """The tasks that are still to be sent, and how many of their pieces go together.

    `pieces` is how many there are in all and `unit` how many of one unit, which are sent before it
    is known how long they take. Towards the end orders get small, so that all workers come to it at
    once; but a unit that is computed quickly stays whole.
    """

    def __init__(self, tasks: Iterator[Task], pieces: int, unit: int) -> None:
        self._tasks, self._left, self._unit = tasks, pieces, unit
        self._ready: list[Task] = []
        self._pieces, self._seconds, self._enough = 0, 0.0, ORDER_SECONDS

    def next(self, threads: int) -> list[Task]:
        """Those of the next order, where workers have so many threads; none at the end."""
        size = self._size(threads)
        while _pieces_of(self._ready) < size and (task := next(self._tasks, None)):
            self._ready.append(task)
        some, self._ready = _parted(self._ready, size)
        self._left -= _pieces_of(some)
        return some

    def answered(self, order: Order, answer: Answer) -> list[Task]:
        """What was computed of an order; the rest is sent before all others."""
        self._pieces += answer.pieces
        self._seconds += answer.seconds
        self._enough = _enough(answer.loading)
        done, rest = _parted(order.tasks, answer.pieces)
        self._ready = rest + self._ready
        self._left += _pieces_of(rest)
        return done

    def _size(self, threads: int) -> int:
        most, least = self._unit, 1
        if self._pieces:
            rate = self._pieces / max(self._seconds, 1e-9)
            most = int(self._enough * rate)
            least = min(self._unit, int(PART_SECONDS * rate))
        size = max(1, least, min(most, self._left // (AHEAD * threads)))
        return size - size % self._unit if size > self._unit else size


def _pieces_of(tasks: Sequence[Task]) -> int:
    return sum(task.pieces for task in tasks)


def _parted(tasks: Sequence[Task], pieces: int) -> tuple[list[Task], list[Task]]:
    """The first so many pieces, and the rest; a task that has some of both is in both."""
    first, rest = list[Task](), list[Task]()
    for task in tasks:
        own = min(task.pieces, pieces)
        pieces -= own
        if 0 < own < task.pieces:
            for part, side in zip(task.parts(own), (first, rest), strict=True):
                side.append(part)
        else:
            (first if own else rest).append(task)
    return first, rest


def compute(order: Order) -> Answer:
    """In a worker: the first pieces of an order, until it is enough.

    Raises WorkersError where it would compute something else, and what a piece raises, if it is the
    first; of any other those before it are given back, and it is first in a later order.
    """
    if (own := code()) != order.code:
        raise WorkersError(
            f"a worker has version {own} of the project, this process {order.code}: they must be "
            "equal"
        )
    classifier = _loaded(order, order.tasks[0].job.fixed["classifier_fingerprint"])
    start, seconds, loadings = time.perf_counter(), 0.0, list[float]()
    try:
        for loading in chain.from_iterable(_pieces(task, classifier) for task in order.tasks):
            loadings.append(loading)
            seconds = time.perf_counter() - start
            if seconds > _enough(loading):
                break
    except Exception:
        if not loadings:
            raise
    tray = Tray.joined([task.tray for task in order.tasks])
    return Answer(len(loadings), tray, seconds, loadings[-1])


def _pieces(task: Task, classifier: Classifier) -> Iterator[float]:
    """Puts a task's pieces on its tray; gives after each the seconds that loading took."""
    start = time.perf_counter()
    _check_images(task.unit)
    computer = Computer(task.job, classifier, task.tray)
    loaded = computer.load(task.unit)
    loading = time.perf_counter() - start
    for method in task.methods:
        computer.piece(task.unit, loaded, method, task.metrics)
        yield loading
    if not task.methods:
        yield loading


def _check_images(unit: Unit) -> None:
    for item, sha256 in zip(unit.items, unit.sha256s, strict=True):
        if sha256 and item.sha256() != sha256:
            raise WorkersError(
                f"a worker on {platform.node()} does not find {item.path} as it is here: the "
                "folder of images must lie at the same place on all machines"
            )


_MODELS: dict[str, Classifier] = {}
_LOADING = Lock()


def _loaded(order: Order, fingerprint: str) -> Classifier:
    """The model, loaded once in this process."""
    with _LOADING:
        if fingerprint not in _MODELS:
            found = _load(order)
            if found.fingerprint != fingerprint:
                raise WorkersError(
                    f"a worker finds another model under the name {found.name}: "
                    f"{found.fingerprint} instead of {fingerprint}"
                )
            _MODELS.clear()
            _MODELS[fingerprint] = found
        return _MODELS[fingerprint]


def _load(order: Order) -> Classifier:
    keep_blocks()
    with suppress(OSError):
        os.chdir(order.folder)  # paths are meant from there
    try:
        with redirect_stderr(io.StringIO()):  # the notes on it have been told
            return order.load()
    except (OSError, ValueError) as error:
        raise WorkersError(f"a worker cannot load the model: {error}") from None


@cache
def code() -> str:
    """The project's version and what tells its code from another state of it."""
    folder, found = Path(xai_core.__file__).parent, hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        found.update(file.relative_to(folder).as_posix().encode() + b"\n" + file.read_bytes())
    return f"{version('campare')} ({found.hexdigest()[:8]})"
