"""Tasks: what is missing of a unit, as a worker gets it, and the tray on which it gives results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from xai_core.evaluation.computing import Job
from xai_core.evaluation.image_list import Image
from xai_core.evaluation.map_files import KeptMaps, Maps, Note
from xai_core.evaluation.pieces import Finished, Rows, Scored
from xai_core.evaluation.plan import Unit
from xai_core.evaluation.store import Store
from xai_core.methods.base import Method
from xai_core.metrics.base import Metric


@dataclass
class Tray:
    """What a worker is given of a unit, and what it gives: images to list, finished pieces."""

    done: dict[tuple[str, str], set[str]]
    maps: dict[tuple[str, str, str], Maps]
    images: list[Image] = field(default_factory=list)
    bad: dict[str, str] = field(default_factory=dict)
    finished: list[Finished] = field(default_factory=list)

    @classmethod
    def of(cls, store: Store, unit: Unit, methods: Sequence[Method]) -> Tray:
        """With the maps that the store has of some methods."""
        pairs = [(unit.key, method.key()) for method in methods]
        done = {pair: set(store.finished.get(pair, ())) for pair in pairs}
        maps = {
            (*pair, which): found
            for pair in pairs
            for which in ("predicted", "labelled")
            if (found := store.read_maps(*pair, which)) is not None
        }
        return cls(done, maps)

    @classmethod
    def joined(cls, trays: Sequence[Tray]) -> Tray:
        """What several give, small enough to be sent: without what they were given."""
        whole = cls({}, {})
        for tray in trays:
            whole.list_images(tray.images, tray.bad)
            whole.finished += tray.finished
        scored = [one for one in whole.finished if isinstance(one, Scored)]
        if scored:
            kept = (one for one in whole.finished if isinstance(one, KeptMaps))
            whole.finished = [*kept, Scored.joined(scored)]
        return whole

    def part(self, methods: Sequence[Method]) -> Tray:
        """What was given for some methods, and nothing in it."""
        keys = {method.key() for method in methods}
        done = {pair: metrics for pair, metrics in self.done.items() if pair[1] in keys}
        return Tray(done, {key: maps for key, maps in self.maps.items() if key[1] in keys})

    def empty_into(self, store: Store) -> None:
        """Have the store write what the worker gave."""
        store.list_images(self.images, self.bad)
        store.add(*self.finished)

    def is_done(self, unit: str, method_key: str, metric_key: str) -> bool:
        return metric_key in self.done.get((unit, method_key), ())

    def list_images(
        self, images: Iterable[Image] = (), bad: Mapping[str, str] | None = None
    ) -> None:
        self.images += images
        self.bad |= bad or {}

    def write_scores(
        self, unit: str, method_key: str, metric_keys: Sequence[str], rows: Rows, curves: Rows
    ) -> None:
        self.finished.append(Scored.of(unit, method_key, metric_keys, rows, curves))

    def write_maps(
        self, unit: str, method_key: str, which: str, maps: npt.NDArray[np.float16], note: Note
    ) -> None:
        self.finished.append(KeptMaps(unit, method_key, which, maps, note))
        self.maps[unit, method_key, which] = (maps, note)

    def read_maps(self, unit: str, method_key: str, which: str) -> Maps | None:
        return self.maps.get((unit, method_key, which))


@dataclass(frozen=True)
class Task:
    """What is missing of one unit."""

    job: Job
    unit: Unit
    methods: tuple[Method, ...]
    metrics: tuple[Metric, ...]
    tray: Tray

    @property
    def pieces(self) -> int:
        """A method on a unit is a piece; a task that only lists the images counts as one."""
        return max(1, len(self.methods))

    def parts(self, count: int) -> tuple[Task, Task]:
        """Its first `count` methods, and the others."""
        first, rest = self.methods[:count], self.methods[count:]
        return (
            replace(self, methods=first, tray=self.tray.part(first)),
            replace(self, methods=rest, tray=self.tray.part(rest)),
        )
