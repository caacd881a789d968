"""Orders: all is computed once, whatever goes together, comes back in parts or fails between."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.evaluation.conftest import RunIt, curves, load_tiny, table
from xai_core.evaluation import orders
from xai_core.evaluation.computing import Job
from xai_core.evaluation.dataset import load_folder
from xai_core.evaluation.orders import Answer, Order, Queue, WorkersError, code, compute
from xai_core.evaluation.plan import Unit, units_of
from xai_core.evaluation.run_folder import load_manifest
from xai_core.evaluation.tasks import Task, Tray
from xai_core.evaluation.workers import Workers
from xai_core.methods import METHODS
from xai_core.methods.base import Method
from xai_core.methods.secam import SeCAM
from xai_core.models.classifier import Classifier
from xai_core.models.loading import load_classifier

RECIPES = "cam random sobel", "deletion single_deletion relevance_mass"


@pytest.fixture
def job() -> Job:
    return Job("whole", "fp32", 8, {"classifier_fingerprint": load_tiny().fingerprint})


@pytest.fixture
def order(many: Path, job: Job) -> Order:
    """A unit for the tiny model, and no method."""
    unit = next(units_of(load_folder(many, "abcde")))
    assert len(unit.sha256s) == 8
    return ordered(Task(job, unit, (), (), Tray({}, {})))


def ordered(*tasks: Task) -> Order:
    return Order(tasks, load_tiny, code(), ".")


def changed(order: Order, **changes: Any) -> Order:
    """With another task."""
    return replace(order, tasks=(replace(order.tasks[0], **changes),))


def test_a_worker_that_would_compute_something_else_says_so_in_one_sentence(
    order: Order, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "_MODELS", {})
    with pytest.raises(WorkersError, match=r"has version .* of the project, this process 0\.0"):
        compute(replace(order, code="0.0"))

    def missing() -> Classifier:
        return load_classifier(str(tmp_path / "gone.safetensors"), architecture="resnet18")

    with pytest.raises(WorkersError, match=r"a worker cannot load the model: .*gone\.safetensors"):
        compute(replace(order, load=missing))
    assert len(compute(order).tray.images) == 8
    job = replace(order.tasks[0].job, fixed={"classifier_fingerprint": "f"})
    with pytest.raises(WorkersError, match="finds another model under the name tiny"):
        compute(changed(order, job=job))


def elsewhere(unit: Unit, place: int, path: Path) -> Unit:
    """The unit as a machine sees it where one of its images lies at another path."""
    items = (*unit.items[:place], replace(unit.items[place], path=path), *unit.items[place + 1 :])
    there = Unit(items, unit.position)
    vars(there)["sha256s"] = unit.sha256s
    return there


@pytest.mark.parametrize("damage", ["gone", "other"])
def test_a_folder_that_is_not_the_same_at_the_worker_is_one_sentence(
    order: Order, damage: str, tmp_path: Path
) -> None:
    unit, path = order.tasks[0].unit, tmp_path / "3.png"
    if damage == "other":
        path.write_bytes(unit.items[4].path.read_bytes())
    with pytest.raises(WorkersError, match=r"does not find .*3\.png as it is here: the folder"):
        compute(changed(order, unit=elsewhere(unit, 3, path)))


def test_what_was_computed_before_a_piece_that_fails_is_given_back(
    many: Path, job: Job, tmp_path: Path
) -> None:
    methods = (METHODS["cam"](), METHODS["sobel"]())
    units = list(units_of(load_folder(many, "abcde")))
    bad = elsewhere(units[2], 1, tmp_path / "gone.png")
    tasks = [Task(job, unit, methods, (), Tray({}, {})) for unit in (units[0], bad, units[1])]
    queue = Queue(iter(tasks), 6, 6)
    order = ordered(*queue.next(1), *queue.next(1), *queue.next(1))
    answer = compute(order)
    assert answer.pieces == 2
    assert [one.done[0][0] for one in answer.tray.finished] == [units[0].key]
    assert [task.unit for task in queue.answered(order, answer)] == [units[0]]
    with pytest.raises(WorkersError, match=r"does not find .*gone\.png"):
        compute(ordered(*queue.next(1)))


class Simulated:
    """A worker that takes `seconds` for the pieces of some methods, and 0.1 s to load a unit."""

    def __init__(self, seconds: Sequence[float]) -> None:
        self.methods: list[Method] = [SeCAM(segments=50 + number) for number in range(len(seconds))]
        self._seconds = dict(zip([m.key() for m in self.methods], seconds, strict=True))
        self.took: list[float] = []
        self.sizes: list[int] = []

    def tasks(self, job: Job, units: int) -> list[Task]:
        given = Tray({}, {})
        return [
            Task(job, Unit((), position), tuple(self.methods), (), given)
            for position in range(units)
        ]

    def compute(self, order: Order) -> Answer:
        pieces, seconds = 0, 0.0
        for task in order.tasks:
            seconds += 0.1
            for method in task.methods:
                pieces, seconds = pieces + 1, seconds + self._seconds[method.key()]
                if seconds > orders._enough(0.1):
                    break
            else:
                continue
            break
        self.took.append(seconds)
        self.sizes.append(pieces)
        return Answer(pieces, Tray({}, {}), seconds, 0.1)


def all_computed(
    job: Job, worker: Simulated, units: int, threads: int
) -> Iterator[tuple[int, str]]:
    """The pieces as they come back, (unit's position, method key)."""
    tasks = worker.tasks(job, units)
    queue = Queue(iter(tasks), units * len(worker.methods), len(worker.methods))
    while some := queue.next(threads):
        order = ordered(*some)
        for task in queue.answered(order, worker.compute(order)):
            yield from ((task.unit.position, method.key()) for method in task.methods)


def test_every_piece_is_computed_once(job: Job) -> None:
    draw = random.Random(0)
    for _ in range(60):
        worker = Simulated([draw.choice([0.01, 0.3, 5.0, 30.0]) for _ in range(draw.randint(1, 6))])
        units, threads = draw.randint(1, 40), draw.randint(1, 5)
        found = Counter(all_computed(job, worker, units, threads))
        assert len(found) == units * len(worker.methods)
        assert set(found.values()) == {1}


def test_quick_units_go_together_and_long_ones_in_parts(job: Job) -> None:
    quick = Simulated([0.05, 0.05])  # a unit takes 0.2 s, 100 loads 10 s
    assert len(list(all_computed(job, quick, 400, 2))) == 800
    assert len(quick.took) < 400 / 15
    assert max(quick.took) < orders._enough(0.1) + 0.3
    assert quick.took[-1] <= orders.ORDER_SECONDS + 0.3  # small at the end
    long = Simulated([0.5] * 10 + [60.0] * 3)  # a unit takes 185 s
    list(all_computed(job, long, 6, 2))
    assert max(long.took) < orders._enough(0.1) + 60.2
    loads = 0.1 * sum(2 for _ in long.took)  # an order is of two units at most
    assert loads < 0.02 * sum(long.took)
    assert long.sizes[-4:] == [1] * 4  # the last unit is shared


def test_a_quick_unit_is_not_parted_at_the_end(job: Job) -> None:
    worker = Simulated([0.1, 0.1, 0.1])
    tasks = worker.tasks(job, 30)
    queue = Queue(iter(tasks), 90, 3)
    while some := queue.next(4):
        assert all(task.methods == tuple(worker.methods) for task in some)
        queue.answered(ordered(*some), worker.compute(ordered(*some)))


@pytest.mark.parametrize("enough", [0.0, 0.05, 100.0])
def test_in_orders_of_any_size_the_tables_equal_those_of_one_process(
    evaluate: RunIt, many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, enough: float
) -> None:
    def computed(
        self: Workers, tasks: Iterator[Task], pieces: int, unit: int
    ) -> Iterator[tuple[list[Task], Tray]]:
        queue = Queue(tasks, pieces, unit)
        while some := queue.next(1):
            order = ordered(*some)
            answer = compute(order)
            sizes.append(answer.pieces)
            yield queue.answered(order, answer), answer.tray

    sizes: list[int] = []
    monkeypatch.setattr(Workers, "computed", computed)
    monkeypatch.setattr(orders, "ORDER_SECONDS", enough)
    monkeypatch.setattr(orders, "ORDER_LOADS", 0)
    rest: dict[str, Any] = {"classifier": load_tiny(), "dataset": load_folder(many, "abcde")}
    here, there = tmp_path / "here", tmp_path / "there"
    evaluate(here, *RECIPES, **rest)
    evaluate(there, "cam", "deletion", limit=16, **rest)
    report = evaluate(there, *RECIPES, workers=Workers(load_tiny), **rest)
    assert (report.computed, report.reused) == (15, 0)
    assert sum(sizes) == 15
    assert enough or max(sizes) == 1
    assert enough < 100 or max(sizes) > 3
    for read in (table, curves):
        pd.testing.assert_frame_equal(read(there), read(here), check_exact=True)
    assert load_manifest(there).images == load_manifest(here).images
    again = evaluate(there, *RECIPES, workers=Workers(load_tiny), **rest)
    assert (again.computed, again.reused) == (0, 15)
