"""Computing: one method on one unit of images, wherever that is; what it gives goes to a keeper."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from xai_core import DATA
from xai_core.evaluation.cases import Empty, Loaded, Mapped
from xai_core.evaluation.dataset import Item
from xai_core.evaluation.faults import attributed
from xai_core.evaluation.image_list import Image
from xai_core.evaluation.map_files import Maps, Note
from xai_core.evaluation.pieces import Rows
from xai_core.evaluation.plan import Unit, scored_by
from xai_core.evaluation.rows import curve_rows, score_rows
from xai_core.images.reading import BadImage, Framing, Photo
from xai_core.methods.base import Method
from xai_core.metrics.base import Metric
from xai_core.models.batch import Batch, Precision
from xai_core.models.classifier import Classifier


class Keeper(Protocol):
    """Where results go: the store, or what a worker sends to whoever has it."""

    def is_done(self, unit: str, method_key: str, metric_key: str) -> bool: ...

    def list_images(
        self, images: Iterable[Image] = (), bad: Mapping[str, str] | None = None
    ) -> None: ...

    def write_scores(
        self, unit: str, method_key: str, metric_keys: Sequence[str], rows: Rows, curves: Rows
    ) -> None: ...

    def write_maps(
        self, unit: str, method_key: str, which: str, maps: npt.NDArray[np.float16], note: Note
    ) -> None: ...

    def read_maps(self, unit: str, method_key: str, which: str) -> Maps | None: ...


@dataclass(frozen=True)
class Job:
    """What is the same for all units of a call; `fixed` are the columns of every row."""

    framing: Framing
    precision: Precision
    forward_size: int
    fixed: dict[str, Any]


class Computer:
    """Computes units with one model."""

    def __init__(
        self,
        job: Job,
        classifier: Classifier,
        keeper: Keeper,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self.job, self.classifier = job, classifier
        self.keeper, self.is_stopped = keeper, is_stopped

    def load(self, unit: Unit) -> Loaded | Empty:
        photos: list[tuple[Item, Photo]] = []
        bad = dict[str, str]()
        for item in unit.items:
            try:
                photos.append((item, item.open()))
            except BadImage as error:
                bad[item.name] = str(error)
        if bad:
            self.keeper.list_images(bad=bad)
        if not photos:
            return Empty()
        loaded = Loaded.of(self.classifier, photos, self.job.framing)
        loaded.batch.forward_size, loaded.batch.precision = (
            self.job.forward_size,
            self.job.precision,
        )
        self._list_images(unit, loaded)
        return loaded

    def _list_images(self, unit: Unit, loaded: Loaded) -> None:
        listed = []
        predicted = loaded.batch.predicted.tolist()
        probabilities = loaded.batch.probabilities.amax(dim=1).tolist()
        places = {item.name: unit.position + place for place, item in enumerate(unit.items)}
        for index, (item, photo) in enumerate(loaded.photos):
            image = {
                "place": places[item.name],
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
            listed.append(image)
        self.keeper.list_images(listed)

    def piece(
        self, unit: Unit, loaded: Loaded | Empty, method: Method, metrics: Sequence[Metric]
    ) -> bool:
        """All missing metrics of one method on one unit; whether it was stopped before the last."""
        key = method.key()
        wanted = scored_by(unit, self.classifier, method, metrics)
        missing = [m for m in wanted if not self.keeper.is_done(unit.key, key, m.key())]
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
            rows += score_rows(self.job.fixed, loaded, method, metric, mapped, scores, seconds)
            curves += curve_rows(loaded.batch.sha256s, key, metric, scores)
            if self.is_stopped():
                break
        self.keeper.write_scores(unit.key, key, finished, rows, curves)
        return len(finished) < len(missing)

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
        found = self.keeper.read_maps(unit.key, method.key(), which)
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
            self.keeper.write_maps(unit.key, method.key(), which, halves, note)
            found = (halves, note)
        halves, note = found
        scales = torch.tensor(note["scales"])[:, None, None]
        maps = (torch.from_numpy(np.array(halves)).float() * scales).to(batch.images.device)
        failures = tuple(note.get("failures", ("",) * len(maps)))
        return Mapped(maps, float(note["attribute_seconds"]), failures)


def _relative(path: Path) -> str:
    """Relative to the project where it lies inside it."""
    path, project = path.resolve(), DATA.parent
    return path.relative_to(project).as_posix() if path.is_relative_to(project) else str(path)
