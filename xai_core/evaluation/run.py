"""Run: computes what is missing in a run folder, one method on one unit of images at a time."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from xai_core import DATA
from xai_core.evaluation.cases import Empty, Loaded, Mapped
from xai_core.evaluation.dataset import Dataset, Item
from xai_core.evaluation.described import FIXED, describe_method, describe_metric, describe_run
from xai_core.evaluation.faults import attributed
from xai_core.evaluation.plan import (
    MEMORY_MB,
    Unit,
    duration,
    forward_size_for,
    scored_by,
    unit_work,
    units_of,
    usable,
)
from xai_core.evaluation.rows import curve_rows, score_rows
from xai_core.evaluation.same_images import check_images
from xai_core.evaluation.status import Progress, Status, is_asked_to_stop, only_run
from xai_core.evaluation.store import Note, RunFolderError, Store, load_manifest
from xai_core.images.grey_window import window_sentences
from xai_core.images.reading import BadImage, Framing, Photo
from xai_core.methods.base import Method
from xai_core.metrics.base import Metric
from xai_core.models.batch import Batch, Precision
from xai_core.models.classifier import Classifier
from xai_core.models.devices import device_name


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
    progress: Callable[[Progress], None] | None = None,
) -> RunReport:
    """Scores of all methods by all metrics on the first `limit` images, kept in `run_dir`.

    What is finished there is not computed again, whoever computed it and however that ended.
    `memory` (MB) bounds the forward passes on perturbed images. Raises RunFolderError for a
    folder that is in use, cannot be written, or holds results of another model or on other
    images; ValueError where no method or no metric can be used.
    """
    methods, metrics, skipped = usable(classifier, dataset, methods, metrics)
    if not methods or not metrics:
        reasons = "; ".join(skipped.values()) or "none was given"
        raise ValueError(f"no {'metric' if methods else 'method'} can be used: {reasons}")
    with only_run(run_dir), Status(Path(run_dir)) as status:
        try:
            run = _Run(Path(run_dir), classifier, dataset, framing, precision, memory)
            units = units_of(dataset, limit)
            run.check_images(units)
            run.describe(methods, metrics)
            run.report.skipped = skipped
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
    ) -> None:
        self.classifier, self.dataset = classifier, dataset
        self.framing, self.precision = framing, precision
        new = describe_run(classifier, dataset, framing, precision)
        self.manifest = load_manifest(run_dir) if _exists(run_dir) else new
        for name in FIXED:
            if getattr(self.manifest, name) != getattr(new, name):
                raise RunFolderError(
                    f"{run_dir}: holds a run with another {name}; choose another run folder"
                )
        size = forward_size_for(classifier, memory)
        self.forward_size = min(size, self.manifest.forward_size or size)
        self.manifest.forward_size = self.forward_size
        self.manifest.source = classifier.source
        self.manifest.devices = sorted({*self.manifest.devices, device_name(classifier.device)})
        self.manifest.notes = list(dataset.notes)
        self.store = Store(run_dir)
        self.report = RunReport(notes=[*dataset.notes, *self.store.problems])
        self.started = time.perf_counter()
        self.fixed = {
            "dataset": dataset.name,
            "classifier": classifier.name,
            "classifier_fingerprint": classifier.fingerprint,
            "precision": precision,
        }
        self._written = ""

    def check_images(self, units: Sequence[Unit]) -> None:
        """Raises RunFolderError where the folder's results are on other images."""
        pairs = [pair for u in units for pair in zip(u.items, u.sha256s, strict=True)]
        found = {item.name: sha256 for item, sha256 in pairs}
        images = self.manifest.images
        self.report.notes += check_images(self.store.root, images, self.dataset, found)

    def describe(self, methods: Sequence[Method], metrics: Sequence[Metric]) -> None:
        """Puts the recipes into the manifest, beside those of earlier calls."""
        for method in methods:
            self.manifest.methods[method.key()] = describe_method(method, self.classifier)
        for metric in metrics:
            described = describe_metric(metric, self.classifier, methods[0])
            self.manifest.metrics[metric.key()] = described
        self._write_manifest()

    def compute(
        self,
        units: Sequence[Unit],
        methods: Sequence[Method],
        metrics: Sequence[Metric],
        status: Status,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        works = {u.key: unit_work(self.store, self.classifier, u, methods, metrics) for u in units}
        total = len(units) * len(methods)
        asked = sum(len(unit.items) for unit in units)
        self.manifest.asked = max(asked, self.manifest.asked)
        left = sum(max(0.0, p) for work in works.values() for p in work.values()) or 1.0
        made, done = 0.0, 0
        for unit in units:
            loaded = None
            for method in methods:
                passes = works[unit.key][method.key()]
                if passes < 0:
                    self.report.reused += 1
                else:
                    loaded = loaded or self._load(unit)
                    self._piece(unit, loaded, method, metrics)
                    self.report.computed += 1
                    made += passes
                done += 1
                step = self._progress(
                    done, total, made / left, f"{method.title}, {unit.items[0].name}"
                )
                status.step(step)
                if progress:
                    progress(step)
                if self.report.cancelled or is_asked_to_stop(self.store.root):
                    self.report.cancelled = done < total or self.report.cancelled
                    return self._finish(units)
        self.store.compact()
        self._finish(units)

    def _progress(self, done: int, total: int, fraction: float, message: str) -> Progress:
        elapsed = time.perf_counter() - self.started
        left = elapsed / fraction - elapsed if fraction > 0 else None
        return Progress(done, total, fraction, left, message)

    def _finish(self, units: Sequence[Unit]) -> None:
        known = {image["sha256"] for image in self.manifest.images}
        shown = {sha for unit in units for sha in unit.sha256s}
        self.report.images = sum(sha in known for unit in units for sha in unit.sha256s)
        self.report.bad_images = {
            name: reason
            for name, reason in self.manifest.bad_images.items()
            if any(item.name == name for unit in units for item in unit.items)
        }
        self.report.notes += _read_notes(
            [image for image in self.manifest.images if image["sha256"] in shown]
        )
        self.report.seconds = time.perf_counter() - self.started

    def _load(self, unit: Unit) -> Loaded | Empty:
        photos: list[tuple[Item, Photo]] = []
        bad = self.manifest.bad_images
        for item in unit.items:
            try:
                photos.append((item, item.open()))
                bad.pop(item.name, None)
            except BadImage as error:
                bad[item.name] = str(error)
        if not photos:
            self._write_manifest()
            return Empty()
        loaded = Loaded.of(self.classifier, photos, self.framing)
        loaded.batch.forward_size, loaded.batch.precision = self.forward_size, self.precision
        self._list_images(loaded)
        return loaded

    def _list_images(self, loaded: Loaded) -> None:
        listed = {image["sha256"]: image for image in self.manifest.images}
        predicted = loaded.batch.predicted.tolist()
        probabilities = loaded.batch.probabilities.amax(dim=1).tolist()
        for index, (item, photo) in enumerate(loaded.photos):
            listed[photo.sha256] = {
                "image": item.name,
                "path": _relative(item.path),
                "sha256": photo.sha256,
                "label": item.label,
                "level": item.level,
                "predicted": predicted[index],
                "probability": round(probabilities[index], 6),
                "correct": None if item.label is None else predicted[index] == item.label,
                "mask_fraction": loaded.mask_fractions[index],
                **({"mask_problem": p} if (p := loaded.mask_problems[index]) else {}),
                **({"window": photo.note} if photo.note else {}),
            }
        self.manifest.images = list(listed.values())
        self._write_manifest()

    def _write_manifest(self) -> None:
        text = json.dumps(self.manifest.as_dict())
        if text != self._written:
            self.store.write_manifest(self.manifest)
            self._written = text

    def _piece(
        self, unit: Unit, loaded: Loaded | Empty, method: Method, metrics: Sequence[Metric]
    ) -> None:
        """All missing metrics of one method on one unit; stops early when asked to."""
        key = method.key()
        wanted = scored_by(unit, self.classifier, method, metrics)
        missing = [m for m in wanted if not self.store.is_done(unit.key, key, m.key())]
        rows: list[dict[str, Any]] = []
        curves: list[dict[str, Any]] = []
        finished = []
        cases: dict[bool, Mapped] = {}
        for metric in missing:
            finished.append(metric.key())
            if isinstance(loaded, Empty):
                continue
            labelled = metric.needs_masks and loaded.has_mistakes
            if labelled not in cases:
                cases[labelled] = self._case(unit, loaded, method, labelled)
            mapped = cases[labelled]
            start = time.perf_counter()
            scores = mapped.score(metric)
            scores.values.cpu()  # only then a GPU has finished
            seconds = (time.perf_counter() - start) / len(loaded.photos)
            rows += score_rows(self.fixed, loaded, method, metric, mapped, scores, seconds)
            curves += curve_rows(loaded.batch.sha256s, key, metric, scores)
            if is_asked_to_stop(self.store.root):
                self.report.cancelled = len(finished) < len(missing)
                break
        self.store.write_scores(unit.key, key, finished, rows, curves)

    def _case(self, unit: Unit, loaded: Loaded, method: Method, labelled: bool) -> Mapped:
        """The case for the predicted classes, or for the labelled ones where these differ."""
        batch, targets = loaded.batch, loaded.targets if labelled else loaded.batch.predicted
        differ = (targets != batch.predicted).nonzero()[:, 0]
        seconds = loaded.forward_seconds
        mapped = self._stored_maps(unit, batch, method, "predicted", batch.predicted, seconds)
        if len(differ):
            chosen = [batch.sha256s[index] for index in differ.tolist()]
            part = Batch(self.classifier, batch.images[differ], chosen)
            other = self._stored_maps(unit, part, method, "labelled", targets[differ], seconds)
            mapped = mapped.replaced(differ, other)
        return mapped.on(loaded, targets, method)

    def _stored_maps(
        self,
        unit: Unit,
        batch: Batch,
        method: Method,
        which: str,
        targets: Tensor,
        forward_seconds: float,
    ) -> Mapped:
        """Maps as stored: float16 of what lies between -1 and 1, times each map's scale.

        Their time includes the pass on the whole image, made once, that each method needs.
        """
        found = self.store.read_maps(unit.key, method.key(), which)
        if found is None:
            start = time.perf_counter()
            maps, failures = attributed(method, batch, targets)
            if all(failures):
                return Mapped(maps, 0.0, failures)
            seconds = (time.perf_counter() - start) / len(batch)
            if method.passes(self.classifier) >= 1:
                seconds += forward_seconds
            scales = maps.abs().amax(dim=(1, 2)).clamp(min=torch.finfo(torch.float32).tiny)
            halves = (maps / scales[:, None, None]).half().cpu().numpy()
            note: Note = {
                "attribute_seconds": seconds,
                "scales": scales.tolist(),
                "targets": targets.tolist(),
                "sha256s": list(batch.sha256s),
                **({"failures": failures} if any(failures) else {}),
            }
            self.store.write_maps(unit.key, method.key(), which, halves, note)
            found = (halves, note)
        halves, note = found
        scales = torch.tensor(note["scales"])[:, None, None]
        maps = (torch.from_numpy(np.array(halves)).float() * scales).to(batch.images.device)
        failures = tuple(note.get("failures", ("",) * len(maps)))
        return Mapped(maps, float(note["attribute_seconds"]), failures)


def _read_notes(images: Sequence[dict[str, Any]]) -> list[str]:
    """What was not used or guessed while reading the images, one sentence each."""
    problems = [image["mask_problem"] for image in images if "mask_problem" in image]
    notes = [f"masks not used: {len(problems)} (the first: {problems[0]})"] if problems else []
    return notes + window_sentences(Counter(i["window"] for i in images if "window" in i))


def _exists(run_dir: Path) -> bool:
    return (run_dir / "manifest.json").exists()


def _relative(path: Path) -> str:
    """Relative to the project where it lies inside it."""
    path, project = path.resolve(), DATA.parent
    return path.relative_to(project).as_posix() if path.is_relative_to(project) else str(path)
