"""Gallery: maps and scores of a few images, stored small so that a page shows them at once."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xai_core.evaluation.dataset import Dataset, Item, framed_mask
from xai_core.evaluation.masks import Mask
from xai_core.evaluation.packed_maps import Arrays, packed, unpacked
from xai_core.files import read_object, write_whole
from xai_core.images.reading import Floats

if TYPE_CHECKING:
    from xai_core.methods import Method
    from xai_core.metrics import Metric
    from xai_core.models.batch import Batch
    from xai_core.models.classifier import Classifier

FOLDER = "gallery"
MISTAKES = 4
"""Of the images that the model gets wrong, so that a page about them opens finished."""
TARGETS = 3


@dataclass(frozen=True)
class Gallery:
    """The stored images of one model; read with numpy alone."""

    folder: Path
    classifier: dict[str, Any]
    pictures: tuple[dict[str, Any], ...]
    """name, sha256, label, level, targets and probabilities (of all classes) of each."""
    passes: dict[str, dict[str, float]] = field(default_factory=dict)
    """"methods" and "metrics" -> name -> forward passes per image, whether stored here or not."""

    @cached_property
    def _by_name(self) -> dict[str, dict[str, Any]]:
        return {picture["name"]: picture for picture in self.pictures}

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def picture(self, name: str) -> dict[str, Any]:
        """The entry of one image; raises KeyError for a name that is not in the gallery."""
        return self._by_name[name]

    def entries(self, name: str) -> dict[str, Any]:
        """Method spec -> {"key", "seconds", "scores": {metric spec: [per target]}, "notes"}."""
        return dict(read_object(self.folder / f"{name}.json")["methods"])

    def maps(self, name: str, method: str) -> Floats:
        """Maps (T, H, W) for the image's targets, exact for smooth and for piecewise maps.

        Maps with detail in every pixel are kept at 112 x 112 px and 8 bits. Raises KeyError for
        a method that is not stored.
        """
        size = int(self.classifier["form"]["size"])
        with np.load(self.folder / f"{name}.npz") as stored:
            prefix = f"{method}."
            found = [key for key in stored.files if key.startswith(prefix)]
            arrays = {key.removeprefix(prefix): stored[key] for key in found}
        return unpacked(arrays, size)


def load_gallery(run_dir: str | Path) -> Gallery | None:
    """The gallery of a run folder, or None where it has none."""
    folder = Path(run_dir) / FOLDER
    index = folder / "index.json"
    if not index.is_file():
        return None
    stored = read_object(index)
    pictures = tuple(stored["pictures"])
    return Gallery(folder, stored["classifier"], pictures, stored.get("passes", {}))


def make_gallery(
    run_dir: str | Path,
    classifier: Classifier,
    dataset: Dataset,
    methods: Sequence[Method],
    metrics: Sequence[Metric],
    *,
    names: Sequence[str] = (),
    scored: int = TARGETS,
) -> Gallery:
    """Explain and score some images for three classes each, and store them small.

    The classes are the most probable ones; where the true one is not among them, it is the third.
    The images are `names`, else `chosen_items`. What is stored already for this model is kept,
    so a second call adds only what is new. Metrics that need masks are left out for images
    without one. Only the first `scored` classes of each image are scored.
    """
    from xai_core.models.batch import Batch

    folder = Path(run_dir) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    items = [item for item in dataset.items if item.name in names]
    pictures = []
    for item in items or chosen_items(dataset, _mistaken(Path(run_dir))):
        photo = item.open()
        batch = Batch.of(classifier, [photo])
        targets = batch.top(TARGETS)[0].tolist()
        if item.label is not None and item.label not in targets:
            targets[-1] = item.label
        stem = Path(item.name).stem
        pictures.append(
            {
                "name": stem,
                "sha256": photo.sha256,
                "label": item.label,
                "level": item.level,
                "targets": targets,
                "probabilities": [round(p, 6) for p in batch.probabilities[0].tolist()],
            }
        )
        mask = item.mask(photo)
        seen = None if mask is None else framed_mask(mask, classifier.form, "whole")
        _add_picture(folder, stem, batch, targets, seen, methods, metrics, scored)
    described = {
        "name": classifier.name,
        "fingerprint": classifier.fingerprint,
        "categories": list(classifier.categories),
        "form": vars(classifier.form),
    }
    passes = passes_of_all(classifier)
    _write_json(
        folder / "index.json", {"classifier": described, "pictures": pictures, "passes": passes}
    )
    return Gallery(folder, described, tuple(pictures), passes)


def passes_of_all(classifier: Classifier) -> dict[str, dict[str, float]]:
    """What every method and metric that the model supports declares, as they are by default.

    Metrics that run the method again are counted with CAM.
    """
    from xai_core.methods import METHODS
    from xai_core.metrics import METRICS

    methods = {name: method() for name, method in METHODS.items()}
    metrics = {name: metric() for name, metric in METRICS.items()}
    return {
        "methods": {n: m.passes(classifier) for n, m in methods.items() if not m.unfit(classifier)},
        "metrics": {
            n: m.passes(classifier, methods["cam"])
            for n, m in metrics.items()
            if not m.unfit(classifier)
        },
    }


def chosen_items(dataset: Dataset, mistaken: Sequence[str] = ()) -> list[Item]:
    """One image of each class, the levels in turn; then the first of those that are mistaken.

    `mistaken` holds the sha256 of images that the model gets wrong; of a class it shows another
    one first where there is one.
    """
    by_label: dict[int, list[Item]] = {}
    for item in dataset.items:
        if item.label is not None:
            by_label.setdefault(item.label, []).append(item)
    chosen = []
    for number, (_, items) in enumerate(sorted(by_label.items())):
        pool = [item for item in items if item.sha256() not in mistaken] or items
        level = number % 4 + 1
        chosen.append(next((item for item in pool if item.level == level), pool[0]))
    by_sha256 = {item.sha256(): item for item in dataset.items} if mistaken else {}
    wrong = [by_sha256[one] for one in mistaken[:MISTAKES] if one in by_sha256]
    return [*chosen, *(item for item in wrong if item not in chosen)] or list(dataset.items[:12])


def _mistaken(run_dir: Path) -> list[str]:
    """The sha256 of the images that the run's model gets wrong, the most confident first."""
    if not (run_dir / "manifest.json").is_file():
        return []
    from xai_core.evaluation.run_folder import load_manifest  # loads pandas, which no gallery needs

    wrong = [image for image in load_manifest(run_dir).images if image.get("correct") is False]
    wrong.sort(key=lambda image: -float(image["probability"]))
    return [image["sha256"] for image in wrong]


def _add_picture(
    folder: Path,
    stem: str,
    batch: Batch,
    targets: list[int],
    mask: Mask | None,
    methods: Sequence[Method],
    metrics: Sequence[Metric],
    scored: int,
) -> None:
    entries, arrays = _stored(folder, stem, batch.classifier.fingerprint)
    for method in methods:
        wanted = [m for m in metrics if mask is not None or not m.needs_masks]
        entry = entries.get(method.spec(), {})
        if entry.get("key") != method.key():
            entry = {"key": method.key(), "scores": {}}
        missing = [m for m in wanted if m.spec() not in entry["scores"]]
        if method.unfit(batch.classifier) or ("seconds" in entry and not missing):
            continue
        _explain(method, missing, batch, targets, mask, entry, arrays, scored)
        entries[method.spec()] = entry
        saved = io.BytesIO()
        np.savez_compressed(saved, **arrays)  # type: ignore[arg-type]
        write_whole(folder / f"{stem}.npz", saved.getvalue())
        stored = {"fingerprint": batch.classifier.fingerprint, "methods": entries}
        _write_json(folder / f"{stem}.json", stored)


def _explain(
    method: Method,
    metrics: Sequence[Metric],
    batch: Batch,
    targets: list[int],
    mask: Mask | None,
    entry: dict[str, Any],
    arrays: Arrays,
    scored: int,
) -> None:
    """Fill `entry` and `arrays` with the method's maps and with the scores that are missing."""
    import torch

    from xai_core.metrics import Case

    wanted = torch.tensor([targets], device=batch.images.device)
    notes: dict[str, torch.Tensor] = {}
    begin = time.perf_counter()
    maps = method.attribute(batch, wanted, notes).half().float()
    entry["seconds"] = round(time.perf_counter() - begin, 4)
    entry["notes"] = {k: [round(float(v), 6) for v in values[0]] for k, values in notes.items()}
    masks = None if mask is None else torch.tensor(mask)[None].to(maps.device)
    for metric in metrics:
        values = []
        for number in range(min(scored, len(targets))):
            case = Case(batch, wanted[:, number], maps[:, number], method, masks)
            value = float(metric.score(case).values[0])
            values.append(round(value, 5) if value == value else None)
        entry["scores"][metric.spec()] = values
    for form, array in packed(maps[0].cpu().numpy()).items():
        arrays[f"{method.spec()}.{form}"] = array


def _stored(folder: Path, stem: str, fingerprint: str) -> tuple[dict[str, Any], Arrays]:
    described, file = folder / f"{stem}.json", folder / f"{stem}.npz"
    if not (described.is_file() and file.is_file()):
        return {}, {}
    content = read_object(described)
    if content["fingerprint"] != fingerprint:
        return {}, {}
    with np.load(file) as arrays:
        return dict(content["methods"]), dict(arrays)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    write_whole(path, json.dumps(content, separators=(",", ":")))
