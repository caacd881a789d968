"""Plan: what a run still has to compute, in forward passes, seconds and bytes."""

from __future__ import annotations

import hashlib
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from xai_core.evaluation.dataset import Dataset, Item
from xai_core.evaluation.journal import JOURNAL
from xai_core.evaluation.repeats import without_repeats
from xai_core.evaluation.shards import Shard
from xai_core.evaluation.store import Store
from xai_core.methods.base import Method
from xai_core.metrics._perturb import removal_logits
from xai_core.metrics.base import Metric
from xai_core.models.batch import Batch, Precision
from xai_core.models.classifier import Classifier
from xai_core.models.imputers import load_imputer

UNIT_IMAGES = 8
"""Images of a unit: fixed, so that results do not depend on what else is computed."""
LARGEST_FORWARD = 32
MEMORY_MB = 1024
MEASURED_SECONDS = 0.5
COSTLY_PASSES, COSTLY_IMAGES = 100, 24
"""Metrics that run the method again score methods of more passes on the first images only."""


@dataclass(frozen=True)
class Unit:
    """Images that are always computed together; `key` follows from their content and order.

    `position` is that of the first of them in the data set. Files are read for their checksums
    when these are asked for.
    """

    items: tuple[Item, ...]
    position: int = 0

    @cached_property
    def sha256s(self) -> tuple[str, ...]:
        return tuple(item.sha256() for item in self.items)

    @cached_property
    def key(self) -> str:
        return hashlib.sha256("/".join(self.sha256s).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Plan:
    """What is left: pieces (a method on a unit), forward passes, seconds, megabytes on disk.

    `workers` share the passes, each on a core; 0 for this process alone. `skipped` says which
    methods and metrics cannot be used here, and why.
    """

    images: int
    pieces: int
    pieces_left: int
    passes_left: float
    seconds_per_pass: float
    megabytes: float
    skipped: dict[str, str] = field(default_factory=dict)
    workers: int = 0

    @property
    def seconds(self) -> float:
        """Without the start of workers."""
        units = -(-self.images // UNIT_IMAGES)
        sharing = max(1, min(self.workers, os.cpu_count() or 1, units))
        return self.passes_left * self.seconds_per_pass / sharing

    def describe(self) -> str:
        """The plan in a few lines for people."""
        lines = [
            f"{self.images} images, {self.pieces} pieces of work, "
            f"{self.pieces - self.pieces_left} of them done before",
            f"{self.passes_left:,.0f} forward passes at {self.seconds_per_pass * 1000:.1f} ms: "
            f"about {duration(self.seconds)}{self._shared()}",
            f"about {self.megabytes:,.0f} MB of maps in the run folder",
        ]
        return "\n".join([*lines, *(f"left out: {reason}" for reason in self.skipped.values())])

    def _shared(self) -> str:
        cores = os.cpu_count() or 1
        among = f" with {self.workers} workers on {cores} cores" if self.workers else ""
        return among.replace("1 workers", "1 worker").replace(" 1 cores", " 1 core")


def units_of(
    dataset: Dataset, limit: int | None = None, shard: Shard | None = None
) -> Iterator[Unit]:
    """The first `limit` images in units of 8, or those of one shard; no file is read for it.

    A file that repeats an earlier one is left out: those of one size are compared.
    """
    items = list(islice(without_repeats(dataset.items), limit))
    for number, start in enumerate(range(0, len(items), UNIT_IMAGES)):
        if shard is None or number % shard.count == shard.number - 1:
            yield Unit(tuple(items[start : start + UNIT_IMAGES]), start)


def usable(
    classifier: Classifier, dataset: Dataset, methods: Sequence[Method], metrics: Sequence[Metric]
) -> tuple[list[Method], list[Metric], dict[str, str]]:
    """The methods and metrics that fit the model and the data, and why the others do not."""
    skipped = {m.spec(): reason for m in methods if (reason := m.unfit(classifier))}
    for metric in metrics:
        if reason := metric.unfit(classifier):
            skipped[metric.spec()] = reason
        if metric.needs_masks and not dataset.has_masks:
            skipped[metric.spec()] = f"{metric.title} needs masks, which {dataset.name} lacks"
        if metric.needs_shots and not dataset.has_shots:
            skipped[metric.spec()] = f"{metric.title} needs scenes of Orchard to draw again"
    kept_methods = list(dict.fromkeys(m for m in methods if m.spec() not in skipped))
    kept_metrics = list(dict.fromkeys(m for m in metrics if m.spec() not in skipped))
    return kept_methods, kept_metrics, skipped


def scored_by(
    unit: Unit, classifier: Classifier, method: Method, metrics: Sequence[Metric]
) -> list[Metric]:
    """The metrics that score this method on this unit: not those that would cost too much."""
    affordable = unit.position < COSTLY_IMAGES or method.passes(classifier) <= COSTLY_PASSES
    return [metric for metric in metrics if affordable or not metric.reruns_method]


def make_plan(
    run_dir: str | Path,
    classifier: Classifier,
    dataset: Dataset,
    methods: Sequence[Method],
    metrics: Sequence[Metric],
    *,
    limit: int | None = None,
    memory: float = MEMORY_MB,
    precision: Precision = "fp32",
    workers: int = 0,
) -> Plan:
    """What `run_evaluation` with the same arguments would do; one batch is measured.

    With `workers` of one thread it is measured with one.
    """
    methods, metrics, skipped = usable(classifier, dataset, methods, metrics)
    store = Store(run_dir) if (Path(run_dir) / JOURNAL).exists() else None
    units = list(units_of(dataset, limit))
    works = [unit_work(store, classifier, unit, methods, metrics) for unit in units]
    _, height, width = classifier.form.shape
    images = sum(len(unit.items) for unit in units)
    return Plan(
        images=images,
        pieces=len(units) * len(methods),
        pieces_left=sum(passes >= 0 for work in works for passes in work.values()),
        passes_left=sum(max(0.0, passes) for work in works for passes in work.values()),
        seconds_per_pass=seconds_per_pass(
            classifier, forward_size_for(classifier, memory), precision, 1 if workers else None
        ),
        megabytes=images * len(methods) * height * width * 2 / 1e6,
        skipped=skipped,
        workers=workers,
    )


def unit_work(
    store: Store | None,
    classifier: Classifier,
    unit: Unit,
    methods: Sequence[Method],
    metrics: Sequence[Metric],
) -> dict[str, float]:
    """Method key -> forward passes left on this unit, -1 where nothing is left.

    What several methods share is counted with the first that needs it.
    """
    count, shared, passes = len(unit.items), set[Any](), dict[str, float]()
    for method in methods:
        key = method.key()
        wanted = scored_by(unit, classifier, method, metrics)
        missing = [m for m in wanted if not (store and store.is_done(unit.key, key, m.key()))]
        if not missing:
            passes[key] = -1.0
            continue
        own = 0.0 if store and store.is_done(unit.key, key, "maps:predicted") else count
        total = own * method.passes(classifier)
        works = {w.name: w for metric in missing for w in metric.work(classifier, method)}
        if not shared:
            total += count  # the pass on the whole images
            shared.add("whole")
        total += count * sum(w.passes for w in works.values() if w.per_map)
        once = {w.name: w.passes for w in works.values() if not w.per_map and w.name not in shared}
        shared.update(once)
        passes[key] = total + count * sum(once.values())
    return passes


class _Largest(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the bytes of the largest tensor that is made."""

    largest = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, (tuple, list)) else (made,):
            if isinstance(tensor, torch.Tensor):
                self.largest = max(self.largest, tensor.numel() * tensor.element_size())
        return made


def forward_size_for(classifier: Classifier, memory_mb: float) -> int:
    """How many perturbed images one forward pass may hold within `memory_mb`: 32, 16, ... 1.

    An image takes about its own size six times over (built, masked, ranked) and four of the
    model's largest feature maps.
    """
    probe = torch.zeros(1, *classifier.form.shape, device=classifier.device)
    with torch.no_grad(), _Largest() as noted:  # type: ignore[no-untyped-call]
        classifier.logits(probe)
    bytes_each = 6 * probe.numel() * probe.element_size() + 4 * noted.largest
    size = LARGEST_FORWARD
    while size > 1 and size * bytes_each > memory_mb * 2**20:
        size //= 2
    return size


def seconds_per_pass(
    classifier: Classifier, size: int, precision: Precision = "fp32", threads: int | None = None
) -> float:
    """Measured: one forward pass of one perturbed image in batches of `size`, as metrics make them.

    The median of what half a second holds, two passes at least; with so many `threads` of the CPU,
    this process's own if not given.
    """
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(size, *classifier.form.shape, generator=generator)
    batch = Batch(classifier, images, [str(index) for index in range(size)])
    batch.forward_size, batch.precision = size, precision
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        _seconds_of_pass(batch)  # the first prepares what the others find
        spent: list[float] = []
        while len(spent) < 2 or sum(spent) < MEASURED_SECONDS:
            spent.append(_seconds_of_pass(batch))
        return statistics.median(spent) / size
    finally:
        torch.set_num_threads(before)


def _seconds_of_pass(batch: Batch) -> float:
    start, pixels = time.perf_counter(), batch.images[0, 0].numel()
    ranks = torch.arange(pixels, device=batch.images.device).expand(len(batch), pixels)
    imputer = load_imputer("mean")
    removal_logits(batch, imputer, 1, lambda index, _: ranks[index] < pixels // 2).cpu()
    return time.perf_counter() - start  # only now a GPU has finished


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
