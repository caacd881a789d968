"""`explain`: maps of images by some methods, as images, arrays and a record; continues."""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import captum
import numpy as np
import torch
import torchvision
from PIL import Image

from xai_core import headline
from xai_core.catalog import configure
from xai_core.command_line._choices import (
    METHODS,
    add_classifier,
    add_settings,
    check_settings,
    classifier_of,
    fitting,
)
from xai_core.command_line._paths import here
from xai_core.command_line._progress import ProgressLine
from xai_core.command_line._reading import add_window, window_of
from xai_core.evaluation.allocator import keep_blocks
from xai_core.evaluation.map_folder import RECORD, MapFolder, picture_file
from xai_core.evaluation.status import only_run
from xai_core.images.class_names import ClassNames
from xai_core.images.grey_window import Window, window_sentences
from xai_core.images.heatmap import overlay
from xai_core.images.image_files import find_images, passed_over
from xai_core.images.reading import RGB, BadImage, Floats, Framing, Photo, map_on_photo, open_image
from xai_core.methods import Method
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.models.recognised import says
from xai_core.models.sources import describing, embedded, imagenet
from xai_core.places import DATA
from xai_core.titles import percent

IMAGES_AT_ONCE = 16
PHOTO_BYTES = 256 * 2**20
"""Photos of a batch held for their overlays; beyond that they are opened a second time."""


def add(commands: Any) -> None:
    parser = commands.add_parser("explain", help="explain some images", description=__doc__)
    parser.add_argument("images", nargs="+", type=here, help="image files or folders of images")
    add_classifier(parser)
    parser.add_argument(
        "--methods", nargs="+", default=[], metavar="METHOD",
        help=f"default: of {', '.join(headline.METHODS)} those that the model supports",
    )  # fmt: skip
    parser.add_argument("--top-k", type=int, default=1, help="explain the k most probable classes")
    parser.add_argument(
        "--target", action="append", default=[], metavar="CLASS",
        help="explain this class (name in any case, or number) instead; can be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--out",
        type=here,
        default=Path("explained"),
        help="folder of the results, continued if it is one",
    )
    add_window(parser)
    add_settings(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    keep_blocks()
    check_settings(options.set, METHODS)
    methods = configure(options.methods or list(headline.METHODS), METHODS, options.set)
    if options.top_k < 1:
        raise ValueError(f"--top-k must be at least 1, got {options.top_k}")
    window = window_of(options)
    files = _files(options.images)
    _require_one(files)
    classifier = classifier_of(options)
    _say_what_it_knows(classifier, files)
    methods = fitting(methods, classifier) if options.methods else _usual(methods, classifier)
    chosen = [_class_index(text, classifier) for text in options.target]
    folder = MapFolder(options.out, _about(classifier, methods, options, chosen))
    folder.check()
    with only_run(options.out):
        folder.open()
        work = _Work(folder, classifier, methods, options.framing, options.top_k, chosen, window)
        return work.explain(files)


def _say_what_it_knows(classifier: Classifier, files: Sequence[Path]) -> None:
    """Of a model for drawn things, where images are not the project's own: they may be anything."""
    is_for_drawn = bool(classifier.kind) or embedded.claims(classifier.source)
    is_ours = all(file.resolve().is_relative_to(DATA.resolve()) for file in files)
    if is_for_drawn and not is_ours:
        sentence = says(classifier.name, describing.of(classifier).knows)
        print(f"{sentence} {imagenet.offer()}", file=sys.stderr)


def _usual(methods: list[Method], classifier: Classifier) -> list[Method]:
    """Those that the model supports, the others said; raises ValueError where there is none."""
    reasons = {method.name: method.unfit(classifier) for method in methods}
    for name, reason in reasons.items():
        if reason:
            print(f"left out: {name}: {reason}", file=sys.stderr)
    found = [method for method in methods if not reasons[method.name]]
    return found or fitting(methods, classifier)


def _files(paths: Sequence[Path]) -> list[Path]:
    """The image files named and those in the folders named, each once."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found |= dict.fromkeys(find_images(path))
            if passed := passed_over(path):
                print(f"{path}: {passed}", file=sys.stderr)
        else:
            found[path] = None
    return list(found)


def _require_one(files: Sequence[Path]) -> None:
    """Raises BadImage with the first reasons where none of the files opens."""
    broken = []
    for file in files:
        try:
            open_image(file)
            return
        except BadImage as error:
            broken.append(str(error))
    raise BadImage("; ".join(broken[:3]))


def _class_index(text: str, classifier: Classifier) -> int:
    try:
        return ClassNames(classifier.categories).chosen(text)
    except ValueError as error:
        raise ValueError(f"--target {error}") from None


def _about(
    classifier: Classifier,
    methods: Sequence[Method],
    options: argparse.Namespace,
    chosen: Sequence[int],
) -> dict[str, Any]:
    """How the maps of a folder are made; all but date and versions is the same for all of it."""
    return {
        "classifier": classifier.name,
        "classifier_fingerprint": classifier.fingerprint,
        "framing": options.framing,
        "window": options.window,
        "targets": list(chosen),
        "top_k": options.top_k,
        "methods": [method.spec() for method in methods],
        "keys": [method.key() for method in methods],
        "images": RECORD,
        "versions": {
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
            "captum": captum.__version__,
            "numpy": np.__version__,
        },
        "date": datetime.now().isoformat(timespec="seconds"),
    }


@dataclass
class _Ready:
    """An image as the model takes it; the photo is kept where there is room for it."""

    file: Path
    name: str
    sha256: str
    pixels: torch.Tensor
    photo: Photo | None

    def rgb(self, window: Window | None) -> RGB:
        return (self.photo or open_image(self.file, window=window)).rgb


@dataclass
class _Work:
    """Explaining files as they come, in batches, into a folder."""

    folder: MapFolder
    classifier: Classifier
    methods: Sequence[Method]
    framing: Framing
    top_k: int
    chosen: Sequence[int]
    window: Window | None
    windows: Counter[str] = field(default_factory=Counter)
    broken: int = 0

    def explain(self, files: Sequence[Path]) -> int:
        """All files that the folder does not have; 1 where some were unusable, else 0."""
        line = ProgressLine("explaining")
        batch: list[_Ready] = []
        skipped: list[dict[str, Any]] = []
        for place, file in enumerate(files, start=1):
            ready = self._open(file, skipped, sum(r.photo.rgb.nbytes for r in batch if r.photo))
            batch += [ready] if ready else []
            if len(batch) + len(skipped) == IMAGES_AT_ONCE or place == len(files):
                self._append(batch, skipped, quiet=len(files) > IMAGES_AT_ONCE)
                batch, skipped = [], []
            if len(files) > IMAGES_AT_ONCE:
                line.show(file.name, place / len(files))
        for sentence in window_sentences(self.windows):
            print(sentence, file=sys.stderr)
        print(f"wrote {self.folder.root}")
        return 1 if self.broken else 0

    def _open(self, file: Path, skipped: list[dict[str, Any]], held: int) -> _Ready | None:
        """The image of a file; None for one that was done before, or, said, is unusable."""
        sha256 = _sha256(file)
        known = self.folder.has(file.as_posix(), sha256)
        reason = self.folder.reason(file.as_posix(), sha256) if known else ""
        if known and not reason:
            return None
        try:
            photo = open_image(file, window=self.window) if not known else None
        except BadImage as error:
            reason, photo = str(error), None
            skipped.append({"file": file.as_posix(), "sha256": sha256, "skipped": reason})
        if photo is None:
            self.broken += 1
            print(f"skipped: {reason}", file=sys.stderr)
            return None
        self.windows.update([photo.note] if photo.note else [])
        pixels = self.classifier.prepare(photo.rgb, self.framing)
        keep = held + photo.rgb.nbytes <= PHOTO_BYTES
        return _Ready(file, photo.name, photo.sha256, pixels, photo if keep else None)

    def _append(
        self, images: Sequence[_Ready], skipped: Sequence[dict[str, Any]], quiet: bool
    ) -> None:
        """Explains a batch in full passes and keeps it: images, then the shard, then lines."""
        arrays: dict[str, Floats] = {}
        entries = self._entries(images, arrays) if images else []
        if entries or skipped:
            self.folder.append(arrays, [*skipped, *entries])
        for entry in entries if not quiet else []:
            best = entry["classes"][0]
            print(f"{entry['image']}: {best['category']} {percent(best['probability'], 1)}")

    def _entries(self, images: Sequence[_Ready], arrays: dict[str, Floats]) -> list[dict[str, Any]]:
        pixels = torch.stack([image.pixels for image in images])
        batch = Batch(self.classifier, pixels, [image.sha256 for image in images])
        targets = batch.top(self.top_k)
        if self.chosen:
            targets = torch.tensor([self.chosen]).expand(len(images), -1)
        taken: set[str] = set()
        names = [self.folder.name_for(image.name, image.sha256, taken) for image in images]
        runs = [self._maps(method, batch, targets, names, arrays) for method in self.methods]
        for image, name, row in zip(images, names, targets.tolist(), strict=True):
            self._draw(image, name, row, arrays)
        return [
            {
                "file": image.file.as_posix(), "image": image.name, "name": names[index],
                "sha256": image.sha256, "classes": _classes(batch, index, targets[index].tolist()),
                "methods": [run[index] for run in runs],
            }
            for index, image in enumerate(images)
        ]  # fmt: skip

    def _maps(
        self,
        method: Method,
        batch: Batch,
        targets: torch.Tensor,
        names: Sequence[str],
        arrays: dict[str, Floats],
    ) -> list[dict[str, Any]]:
        """Puts one method's maps into `arrays`; what the record says of it, per image."""
        diagnostics: dict[str, torch.Tensor] = {}
        started = time.perf_counter()
        maps = method.attribute(batch, targets, diagnostics).cpu().numpy().astype(np.float32)
        seconds = (time.perf_counter() - started) / len(batch)
        for name, row, own in zip(names, targets.tolist(), maps, strict=True):
            for target, values in zip(row, own, strict=True):
                arrays[f"{name}/{method.spec()}/{target}"] = values
        return [
            {
                "method": method.spec(), "key": method.key(), "settings": method.settings(),
                "seconds": round(seconds, 4),
                "diagnostics": {key: value[i].tolist() for key, value in diagnostics.items()},
            }
            for i in range(len(batch))
        ]  # fmt: skip

    def _draw(
        self, image: _Ready, name: str, targets: Sequence[int], arrays: dict[str, Floats]
    ) -> None:
        rgb = image.rgb(self.window)
        height, width = rgb.shape[:2]
        for method in self.methods:
            for target in targets:
                values = arrays[f"{name}/{method.spec()}/{target}"]
                whole = map_on_photo(values, height, width, self.classifier.form, self.framing)
                file = self.folder.root / picture_file(name, method.spec(), target)
                Image.fromarray(overlay(rgb, whole)).save(file)


def _classes(batch: Batch, index: int, targets: Sequence[int]) -> list[dict[str, Any]]:
    return [
        {
            "index": target,
            "category": batch.classifier.categories[target],
            "probability": float(batch.probabilities[index, target]),
            "logit": float(batch.logits[index, target]),
        }
        for target in targets
    ]


def _sha256(file: Path) -> str:
    """Of a file's bytes; "" where it cannot be read."""
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError:
        return ""
