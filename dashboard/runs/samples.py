"""Images: the samples that ship with CAMpare or its packages, each with an id."""

from __future__ import annotations

import csv
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from xai_core import DATA
from xai_core.evaluation.gallery import Gallery
from xai_core.images.reading import Photo, open_image

PHOTOS = ("chelsea", "astronaut", "coffee", "rocket", "motorcycle_left", "horse")


@dataclass(frozen=True)
class Sample:
    """One sample image; `label` is what it shows, where known, and `level` its difficulty."""

    id: str
    path: Path
    label: str | None = None
    level: int | None = None

    def open(self) -> Photo:
        return open_image(self.path, self.id)

    def title(self) -> str:
        known = self.label or self.id.removeprefix("photo-").replace("_", " ")
        return f"{known} (level {self.level})" if self.level else known


def orchard_samples() -> dict[str, Sample]:
    """Every stored Orchard image, by id; empty where the data set is not there."""
    table = DATA / "orchard" / "labels.csv"
    if not table.is_file():
        return {}
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    samples = [
        Sample(
            Path(row["file"]).stem,
            DATA / "orchard" / row["file"],
            row["classes"].replace("+", " and "),
            int(row["level"]),
        )
        for row in rows
    ]
    return {sample.id: sample for sample in samples}


def photo_samples() -> dict[str, Sample]:
    """The photos that come with scikit-image, for models that know everyday things."""
    found = importlib.util.find_spec("skimage")
    folders = [Path(p) / "data" for p in (found.submodule_search_locations or [])] if found else []
    files = [
        (name, file)
        for name in PHOTOS
        for folder in folders
        for file in (folder / f"{name}.png", folder / f"{name}.jpg")
        if file.is_file()
    ]
    return {f"photo-{name}": Sample(f"photo-{name}", file) for name, file in files}


def gallery_ids(gallery: Gallery | None, samples: dict[str, Sample]) -> list[str]:
    """The images shown first: the gallery's, mistakes last; else one per class."""
    if gallery is not None:
        known = [entry for entry in gallery.pictures if entry["name"] in samples]
        known.sort(key=lambda entry: bool(entry["targets"][0] != entry["label"]))
        return [entry["name"] for entry in known]
    by_label: dict[str, list[str]] = {}
    for sample in samples.values():
        by_label.setdefault(sample.label or "", []).append(sample.id)
    return [ids[(5 * n) % len(ids)] for n, ids in enumerate(list(by_label.values())[:12])]
