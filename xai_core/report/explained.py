"""Explained: the maps of a run's images for the grid: stored ones, else computed with its model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from xai_core.evaluation.gallery import Gallery, load_gallery
from xai_core.evaluation.map_files import MapFiles
from xai_core.evaluation.run_folder import RunFolderError
from xai_core.images.reading import RGB, BadImage, Floats, InputFormat, map_on_photo, open_image
from xai_core.places import PROJECT
from xai_core.report.material import Material
from xai_core.titles import percent

SHOWN_IMAGES = 4


@dataclass
class Explained:
    """One image, its predicted class and the maps of that class at the model's resolution."""

    name: str
    label: str
    rgb: RGB
    sha256: str
    form: InputFormat
    framing: Any
    target: int = 0
    maps: dict[str, Floats] = field(default_factory=dict)

    def map_at(self, method: str, shape: tuple[int, ...]) -> Floats | None:
        """A method's map at a size of the photo (height, width); None where it has none."""
        if method not in self.maps:
            return None
        return map_on_photo(self.maps[method], shape[0], shape[1], self.form, self.framing)


def explained_images(
    material: Material, methods: Sequence[str]
) -> tuple[list[Explained], list[str]]:
    """The chosen images (else the gallery's or the run's first) with maps, and what is missing.

    Raises ValueError for a name that is not in the run.
    """
    images, notes = [], []
    gallery = load_gallery(material.run_dir)
    for entry in _chosen(material, gallery):
        try:
            images.append(opened(material.manifest, entry))
        except BadImage as error:
            path = PROJECT / str(entry["path"])
            notes.append(f"not shown: {str(error).replace(str(path), path.name)}")
    for image in images:
        for method in methods:
            values = _from_gallery(gallery, image, method)
            values = _from_maps(material, image, method) if values is None else values
            if values is not None:
                image.maps[method] = values
    lacking = [method for method in methods if any(method not in i.maps for i in images)]
    if lacking:
        notes += _compute(material, images, lacking)
    return images, notes


def _chosen(material: Material, gallery: Gallery | None) -> list[dict[str, Any]]:
    known = {str(image["image"]): image for image in material.manifest["images"]}
    by_stem = {Path(name).stem: image for name, image in known.items()}
    wanted = material.choice.images
    for name in wanted:
        if name not in known and name not in by_stem:
            first = ", ".join(list(known)[:5])
            raise ValueError(f"{material.run_dir}: has no image {name!r}; it has: {first}, ...")
    if wanted:
        return [known.get(name) or by_stem[name] for name in wanted]
    stored = [p["name"] for p in gallery.pictures if p["name"] in by_stem] if gallery else []
    return [by_stem[name] for name in stored[:SHOWN_IMAGES]] or list(known.values())[:SHOWN_IMAGES]


def opened(manifest: Mapping[str, Any], entry: Mapping[str, Any]) -> Explained:
    """An image of a run without maps; raises BadImage where its file is gone or damaged."""
    photo = open_image(PROJECT / str(entry["path"]))
    classifier = manifest["classifier"]
    form = classifier["form"]
    target = int(entry["predicted"])
    probability = float(entry.get("probability") or 0)
    return Explained(
        str(entry["image"]),
        f"{classifier['categories'][target]} {percent(probability)}",
        photo.rgb,
        str(entry["sha256"]),
        InputFormat(
            int(form["size"]),
            int(form["resize"]),
            tuple(form["mean"]),
            tuple(form["std"]),
            form.get("width"),
        ),
        manifest["framing"],
        target,
    )


def _from_gallery(gallery: Gallery | None, image: Explained, method: str) -> Floats | None:
    """The gallery's map of the predicted class."""
    stem = Path(image.name).stem
    if gallery is None or stem not in gallery:
        return None
    entry = gallery.picture(stem)
    if entry["sha256"] != image.sha256 or image.target not in entry["targets"]:
        return None
    try:
        maps = gallery.maps(stem, method)[entry["targets"].index(image.target)]
        return np.asarray(maps, dtype=np.float32)
    except (KeyError, OSError, ValueError):
        return None


def _from_maps(material: Material, image: Explained, method: str) -> Floats | None:
    """The map that the evaluation has kept."""
    keys = [key for key, e in material.manifest["methods"].items() if e["spec"] == method]
    kept = MapFiles(material.run_dir)
    for unit, key in kept.of(*keys):
        try:
            maps, note = kept.read(unit, key)
        except RunFolderError:
            continue
        if image.sha256 in note["sha256s"]:
            return np.asarray(maps[note["sha256s"].index(image.sha256)], dtype=np.float32)
    return None


def _compute(material: Material, images: Sequence[Explained], methods: Sequence[str]) -> list[str]:
    """Adds maps that are not stored, by the run's own model; says why where that cannot be."""
    from xai_core.catalog import configure
    from xai_core.images.reading import Photo
    from xai_core.methods import METHODS
    from xai_core.models.batch import Batch
    from xai_core.models.loading import load_classifier

    told = material.manifest["classifier"]
    try:
        classifier = load_classifier(material.manifest["source"])
    except (ValueError, OSError) as error:
        source = str(material.manifest["source"])
        said = str(error).replace(source, Path(source).name) if source else str(error)
        return [f"heatmaps that are not stored are left out: {said}"]
    if classifier.fingerprint != told["fingerprint"]:
        return ["heatmaps that are not stored are left out: the model has changed since the run"]
    photos = [Photo(image.name, image.rgb, image.sha256) for image in images]
    notes = []
    batch = Batch.of(classifier, photos, material.manifest["framing"])
    for spec in methods:
        try:
            [method] = configure([spec], METHODS)
            maps = method.attribute(batch, batch.top(1))[:, 0].cpu().numpy()
        except (ValueError, ArithmeticError) as error:
            notes.append(f"{spec}: no heatmaps ({error})")
            continue
        for image, values in zip(images, maps, strict=True):
            image.maps.setdefault(spec, values)
    return notes
