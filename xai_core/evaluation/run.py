"""Run: computes what is missing in a run folder, one method on one unit of images at a time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from xai_core.evaluation.computing import Computer, Job
from xai_core.evaluation.dataset import Dataset
from xai_core.evaluation.described import FIXED, describe_method, describe_metric, describe_run
from xai_core.evaluation.manifest import Manifest
from xai_core.evaluation.plan import (
    COSTLY_IMAGES,
    MEMORY_MB,
    Unit,
    duration,
    forward_size_for,
    unit_work,
    units_of,
    usable,
)
from xai_core.evaluation.run_folder import RunFolderError, load_manifest
from xai_core.evaluation.same_images import check_content, check_images
from xai_core.evaluation.shards import Shard
from xai_core.evaluation.status import Progress, Status, is_asked_to_stop, only_run
from xai_core.evaluation.store import Store
from xai_core.evaluation.tasks import Task, Tray
from xai_core.evaluation.workers import Workers
from xai_core.images.grey_window import window_sentences
from xai_core.images.reading import Framing
from xai_core.methods.base import Method
from xai_core.metrics.base import Metric
from xai_core.models.batch import Precision
from xai_core.models.classifier import Classifier
from xai_core.models.devices import device_name

Piece = tuple[Unit, Method, dict[str, float]]
"""A method on a unit, and the unit's forward passes by method key: -1 where nothing was left."""


@dataclass
class RunReport:
    """What one call did. `bad_images` and `skipped` map a name to the reason, one sentence each."""

    images: int = 0
    computed: int = 0
    reused: int = 0
    cancelled: bool = False
    seconds: float = 0.0
    bad_images: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def describe(self) -> str:
        """The report in a few lines for people."""
        state = "stopped on request; run it again to continue" if self.cancelled else "finished"
        lines = [
            f"{state}: {self.images} images, {self.computed} pieces computed, "
            f"{self.reused} found finished, {duration(self.seconds)}"
        ]
        if self.bad_images:
            lines.append(f"{len(self.bad_images)} images could not be used:")
        lines += [f"  {reason}" for reason in self.bad_images.values()]
        lines += [f"left out: {reason}" for reason in self.skipped.values()]
        return "\n".join([*lines, *self.notes])


def run_evaluation(
    run_dir: str | Path,
    classifier: Classifier,
    dataset: Dataset,
    methods: Sequence[Method],
    metrics: Sequence[Metric],
    *,
    limit: int | None = None,
    memory: float = MEMORY_MB,
    precision: Precision = "fp32",
    framing: Framing = "whole",
    shard: Shard | None = None,
    workers: Workers | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> RunReport:
    """Scores of all methods by all metrics on the first `limit` images, kept in `run_dir`.

    Of a `shard` they are kept in its folder below `run_dir`, until `merge_shards`. With `workers`
    they compute the units, and this process writes what they give.

    What is finished there is not computed again, whoever computed it and however that ended.
    `memory` (MB) bounds the forward passes on perturbed images. Raises RunFolderError for a
    folder that is in use, cannot be written, or holds results of another model or on other
    images; ValueError where no method or no metric can be used.
    """
    methods, metrics, skipped = usable(classifier, dataset, methods, metrics)
    if not methods or not metrics:
        reasons = "; ".join(skipped.values()) or "none was given"
        raise ValueError(f"no {'metric' if methods else 'method'} can be used: {reasons}")
    run_dir = shard.folder(Path(run_dir)) if shard else Path(run_dir)
    with only_run(run_dir), Status(run_dir) as status:
        try:
            run = _Run(run_dir, classifier, dataset, framing, precision, memory, workers)
            units = list(units_of(dataset, limit, shard))
            run.describe(units, methods, metrics)
            run.report.skipped = skipped
            with run.store.holding():
                run.compute(units, methods, metrics, status, progress)
        except BaseException as error:
            status.close("failed", str(error) or type(error).__name__)
            raise
        report = run.report
        status.close("cancelled" if report.cancelled else "done", report.describe())
    return report


class _Run:
    """One call of run_evaluation: its folder, what is fixed for it, and what it has seen."""

    def __init__(
        self,
        run_dir: Path,
        classifier: Classifier,
        dataset: Dataset,
        framing: Framing,
        precision: Precision,
        memory: float,
        workers: Workers | None,
    ) -> None:
        self.classifier, self.dataset, self.workers = classifier, dataset, workers
        new = describe_run(classifier, dataset, framing, precision)
        self.manifest = load_manifest(run_dir) if _exists(run_dir) else new
        for name in FIXED:
            if getattr(self.manifest, name) != getattr(new, name):
                raise RunFolderError(
                    f"{run_dir}: holds a run with another {name}; choose another run folder"
                )
        size = forward_size_for(classifier, memory)
        forward_size = min(size, self.manifest.forward_size or size)
        self.manifest.forward_size = forward_size
        self.manifest.source = classifier.source
        self.manifest.devices = sorted({*self.manifest.devices, device_name(classifier.device)})
        self.manifest.notes = list(dataset.notes)
        self.store = Store(run_dir)
        self.report = RunReport(notes=list(dataset.notes))
        self.started = time.perf_counter()
        self.job = Job(
            framing,
            precision,
            forward_size,
            {
                "dataset": dataset.name,
                "classifier": classifier.name,
                "classifier_fingerprint": classifier.fingerprint,
                "precision": precision,
            },
        )
        self.computer = Computer(
            self.job, classifier, self.store, partial(is_asked_to_stop, run_dir)
        )
        self._names = {image["image"]: image["sha256"] for image in self.manifest.images}
        """The checksums of what the folder has, by the images' names."""

    def describe(
        self, units: Sequence[Unit], methods: Sequence[Method], metrics: Sequence[Metric]
    ) -> None:
        """Puts the recipes into the manifest, beside those of earlier calls.

        Raises RunFolderError where the folder's results are on other images.
        """
        self.report.notes += check_images(self.store.root, self.manifest.images, self.dataset)
        for method in methods:
            self.manifest.methods[method.key()] = describe_method(method, self.classifier)
        for metric in metrics:
            described = describe_metric(metric, self.classifier, methods[0])
            self.manifest.metrics[metric.key()] = described
        asked = sum(len(unit.items) for unit in units)
        self.manifest.asked = max(asked, self.manifest.asked)
        before = self._stored()
        if before is None or before.images or before.settings() != self.manifest.settings():
            self.store.write_manifest(self.manifest)
        self.manifest.images, self.manifest.bad_images = [], {}

    def _stored(self) -> Manifest | None:
        """The manifest as its file holds it."""
        path = self.store.root / "manifest.json"
        return Manifest.read(path) if path.is_file() else None

    def compute(
        self,
        units: Sequence[Unit],
        methods: Sequence[Method],
        metrics: Sequence[Metric],
        status: Status,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        for _ in range(2):
            with closing(self._steps(units, methods, metrics)) as steps:
                for step in steps:
                    status.step(step)
                    if progress:
                        progress(step)
                    if self.report.cancelled or is_asked_to_stop(self.store.root):
                        self.report.cancelled = step.done < step.total or self.report.cancelled
                        return self._finish(units)
            problems = self.store.compact()
            if not problems:
                break
            self.store.problems += problems  # what they held is computed in the second round
        self._finish(units)

    def _steps(
        self, units: Sequence[Unit], methods: Sequence[Method], metrics: Sequence[Metric]
    ) -> Generator[Progress]:
        """Computes what is missing, a step for each method on each unit."""
        known = Counter(unit for unit, _ in self.store.finished)
        whole = {unit for unit, count in known.items() if count >= len(methods)}
        works = _Ahead(units, self.classifier, methods, metrics, len(whole))
        begun = set[int]()
        made = left = 0.0
        arguments = (units, methods, metrics)
        pieces = self._sent(self.workers, *arguments) if self.workers else self._here(*arguments)
        with closing(pieces):
            for done, (unit, method, work) in enumerate(pieces, 1):
                if unit.position not in begun:
                    begun.add(unit.position)
                    works.pass_by(unit, unit.key in whole)
                    left += sum(max(0.0, passes) for passes in work.values())
                if (passes := work[method.key()]) < 0:
                    self.report.reused += 1
                else:
                    self.report.computed += 1
                    made, left = made + passes, left - passes
                ahead = left + works.ahead
                fraction = made / (made + ahead) if made else 0.0
                message = f"{method.title}, {unit.items[0].name}"
                yield self._progress(done, len(units) * len(methods), fraction, message)

    def _here(
        self, units: Sequence[Unit], methods: Sequence[Method], metrics: Sequence[Metric]
    ) -> Generator[Piece]:
        """Every method on every unit, computed in this process where it is missing."""
        for unit in map(replace, units):  # a copy: its checksums go when it is done
            work = self._work(unit, methods, metrics)
            loaded = None if self._is_listed(unit) else self.computer.load(unit)
            for method in methods:
                if work[method.key()] >= 0:
                    loaded = loaded or self.computer.load(unit)
                    self.report.cancelled = self.computer.piece(unit, loaded, method, metrics)
                yield unit, method, work

    def _sent(
        self,
        workers: Workers,
        units: Sequence[Unit],
        methods: Sequence[Method],
        metrics: Sequence[Metric],
    ) -> Generator[Piece]:
        """The same by workers, in the order in which they come to an end."""
        works: dict[int, dict[str, float]] = {}

        def tasks() -> Iterator[Task]:
            for unit in map(replace, units):
                work = works[unit.position] = self._work(unit, methods, metrics)
                missing = tuple(m for m in methods if work[m.key()] >= 0)
                if missing or not self._is_listed(unit):
                    tray = Tray.of(self.store, unit, missing)
                    yield Task(self.job, unit, missing, tuple(metrics), tray)

        pieces = len(units) * len(methods)
        with closing(workers.computed(tasks(), pieces, len(methods))) as computed:
            for some, tray in computed:
                tray.empty_into(self.store)
                for task in some:
                    work = works[task.unit.position]
                    yield from ((task.unit, method, work) for method in task.methods)
        for unit in units:
            work = works[unit.position]
            yield from ((unit, method, work) for method in methods if work[method.key()] < 0)

    def _work(
        self, unit: Unit, methods: Sequence[Method], metrics: Sequence[Metric]
    ) -> dict[str, float]:
        """What is left of a unit; raises RunFolderError where its images are others than before."""
        found = {item.name: sha for item, sha in zip(unit.items, unit.sha256s, strict=True)}
        check_content(self.store.root, self._names, found)
        return unit_work(self.store, self.classifier, unit, methods, metrics)

    def _is_listed(self, unit: Unit) -> bool:
        """Whether the images' list tells of all of this unit's images."""
        listed = self.store.listed
        pairs = zip(unit.items, unit.sha256s, strict=True)
        return all(sha in listed or item.name in listed.bad for item, sha in pairs)

    def _progress(self, done: int, total: int, fraction: float, message: str) -> Progress:
        elapsed = time.perf_counter() - self.started
        left = elapsed / fraction - elapsed if fraction > 0 else None
        return Progress(done, total, fraction, left, message)

    def _finish(self, units: Sequence[Unit]) -> None:
        listed, names = self.store.listed, {item.name for unit in units for item in unit.items}
        self.report.bad_images = {n: reason for n, reason in listed.bad.items() if n in names}
        shown = (image for image in self.store.images() if image["image"] in names)
        self.report.images, notes = _looked_at(shown)
        self.report.notes += [*self.store.problems, *notes]
        self.report.seconds = time.perf_counter() - self.started


class _Ahead:
    """The forward passes of the units that are still to come, as far as it is known before."""

    def __init__(
        self,
        units: Sequence[Unit],
        classifier: Classifier,
        methods: Sequence[Method],
        metrics: Sequence[Metric],
        finished: int,
    ) -> None:
        self._each: dict[bool, float] = {}
        for is_first in (True, False) if units else ():
            probe = Unit(units[0].items, 0 if is_first else COSTLY_IMAGES)
            work = unit_work(None, classifier, probe, methods, metrics)
            self._each[is_first] = sum(work.values()) / len(probe.items)
        self._passes = sum(self._of(unit) for unit in units)
        self._finished = finished
        self._units = len(units)

    def pass_by(self, unit: Unit, is_finished: bool) -> None:
        """This unit is no longer ahead."""
        self._passes -= self._of(unit)
        self._units -= 1
        self._finished -= is_finished

    @property
    def ahead(self) -> float:
        unfinished = max(0, self._units - self._finished)
        return self._passes * unfinished / self._units if self._units else 0.0

    def _of(self, unit: Unit) -> float:
        return self._each[unit.position < COSTLY_IMAGES] * len(unit.items)


def _looked_at(images: Iterable[dict[str, Any]]) -> tuple[int, list[str]]:
    """How many there are, and what was not used or guessed while reading them, a sentence each."""
    count, problems, windows = 0, list[str](), Counter[str]()
    for count, image in enumerate(images, 1):  # noqa: B007
        problems += [image["mask_problem"]] if "mask_problem" in image else []
        windows.update([image["window"]] if "window" in image else [])
    notes = [f"masks not used: {len(problems)} (the first: {problems[0]})"] if problems else []
    return count, notes + window_sentences(windows)


def _exists(run_dir: Path) -> bool:
    return (run_dir / "manifest.json").exists()
