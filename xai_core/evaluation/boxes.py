"""Boxes: object boxes of COCO, PASCAL VOC, YOLO and ImageNet files as masks for localisation."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from xai_core.evaluation.masks import Mask
from xai_core.images.class_names import ClassNames
from xai_core.images.image_files import files_below
from xai_core.images.imagenet_ids import id_in, match_ids

LARGEST_BYTES = 512 * 2**20
SMALL_BYTES = 2**20
NAME_FILES = ("classes.txt", "obj.names", "data.yaml", "dataset.yaml")
_Found = dict[str, list["Box"]]


@dataclass(frozen=True)
class Box:
    """Left, top, right and bottom edge in pixels, or as shares of the image; the class's name."""

    name: str
    edges: tuple[float, float, float, float]
    shares: bool = False

    def mark(self, mask: Mask) -> None:
        """Sets the pixels whose centre lies in the box."""
        height, width = mask.shape
        scale = (width, height, width, height) if self.shares else (1, 1, 1, 1)
        left, top, right, bottom = (round(e * s) for e, s in zip(self.edges, scale, strict=True))
        mask[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = True


class BoxFiles:
    """The boxes of a folder's images, by file name; `note` says of which kind and how many."""

    def __init__(self, root: Path, categories: Sequence[str]) -> None:
        self._boxes: _Found = {}
        self.note, self._problems = "", 0
        for kind, read in (("COCO", _coco), ("VOC", _voc), ("YOLO", _yolo), ("ImageNet", _loc)):
            self._boxes = self._read(read, root)
            if self._boxes:
                self.note = f"masks are {kind} boxes, which hold background, too"
                break
        names = {box.name for boxes in self._boxes.values() for box in boxes}
        self._classes = {name: ClassNames(categories).index(name) for name in names}
        ids = [name for name in names if id_in(name) and self._classes[name] is None]
        self._classes |= match_ids(ids, categories, root).indices if ids else {}

    def _read(self, read: Callable[[Path], Iterator[tuple[str, Box]]], root: Path) -> _Found:
        found: _Found = defaultdict(list)
        try:
            for stem, box in read(root):
                found[stem].append(box)
        except (ValueError, KeyError, TypeError, IndexError, OSError, ElementTree.ParseError):
            self._problems += 1
        return found

    def notes(self, given: int) -> Iterator[str]:
        """What to say where `given` images use boxes."""
        if given:
            yield f"{self.note}: {given} images"
        if self._problems:
            yield "annotation files that cannot be read were passed over"

    def label(self, stem: str) -> int | None:
        """The class of an image whose boxes all name one class of the model."""
        found = {self._classes.get(box.name) for box in self._boxes.get(stem, [])}
        return found.pop() if len(found) == 1 else None

    def of(self, stem: str, label: int | None) -> tuple[Box, ...]:
        """The image's boxes of its class, or all where none names that class."""
        every = self._boxes.get(stem, [])
        own = [box for box in every if label is not None and self._classes[box.name] == label]
        return tuple(own or every)


def box_mask(boxes: Sequence[Box], height: int, width: int) -> Mask:
    """(height, width) bool, True inside any of the boxes."""
    mask = np.zeros((height, width), dtype=bool)
    for box in boxes:
        box.mark(mask)
    return mask


def _coco(root: Path) -> Iterator[tuple[str, Box]]:
    places = [p for p in root.iterdir() if p.is_dir() and p.name.casefold() == "annotations"]
    for path in sorted(p for place in (root, *places) for p in place.glob("*.json")):
        if path.stat().st_size > LARGEST_BYTES:
            raise ValueError(path)
        content = json.loads(path.read_text("utf-8"))
        if not isinstance(content, dict) or not {"images", "annotations"} <= content.keys():
            continue
        names = {entry["id"]: str(entry["name"]) for entry in content.get("categories", [])}
        stems = {entry["id"]: Path(entry["file_name"]).stem for entry in content["images"]}
        for entry in content["annotations"]:
            if "bbox" in entry and entry["image_id"] in stems:
                left, top, width, height = map(float, entry["bbox"])
                name = names.get(entry.get("category_id"), "")
                yield stems[entry["image_id"]], Box(name, (left, top, left + width, top + height))


def _voc(root: Path) -> Iterator[tuple[str, Box]]:
    for path in sorted(files_below(root)):
        if path.suffix.lower() != ".xml" or path.stat().st_size > SMALL_BYTES:
            continue
        text = path.read_text("utf-8")
        if "<!ENTITY" in text or "<annotation" not in text:
            continue
        for thing in ElementTree.fromstring(text).iter("object"):
            edges = [float(thing.findtext(f"bndbox/{e}", "")) for e in _VOC_EDGES]
            left, top, right, bottom = edges  # counted from 1, the last pixel included
            yield path.stem, Box(thing.findtext("name", ""), (left - 1, top - 1, right, bottom))


_VOC_EDGES = ("xmin", "ymin", "xmax", "ymax")


def _yolo(root: Path) -> Iterator[tuple[str, Box]]:
    names = _yolo_names(root)
    for path in sorted(files_below(root)):
        if path.suffix.lower() != ".txt" or path.name in NAME_FILES:
            continue
        if path.stat().st_size > SMALL_BYTES:
            continue
        rows = [line.split() for line in path.read_text("utf-8").splitlines() if line.strip()]
        if not rows or not all(len(row) >= 5 and row[0].isdecimal() for row in rows):
            continue
        for row in rows:
            name = names.get(int(row[0]), row[0])
            numbers = [float(word) for word in row[1:]]
            if len(numbers) in (4, 5):
                x, y, width, height = numbers[:4]
                edges = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            else:  # an outline instead of a box
                xs, ys = numbers[::2], numbers[1::2]
                edges = (min(xs), min(ys), max(xs), max(ys))
            if max(edges) <= 1.01:
                yield path.stem, Box(name, edges, shares=True)


def _yolo_names(root: Path) -> dict[int, str]:
    """Class names: one a line, or `names:` of a YAML as a list, or as lines `0: apple`."""
    files = {p.name.casefold(): p for p in files_below(root) if p.name.casefold() in NAME_FILES}
    for name in NAME_FILES[:2]:
        if name in files:
            return dict(enumerate(files[name].read_text("utf-8").split("\n")))
    for name in NAME_FILES[2:]:
        if name in files:
            return _yaml_names(files[name].read_text("utf-8"))
    return {}


def _yaml_names(text: str) -> dict[int, str]:
    rest = text.partition("names:")[2]
    if rest.lstrip().startswith("["):
        inside = rest.partition("[")[2].partition("]")[0]
        return {i: word.strip(" '\"\n") for i, word in enumerate(inside.split(","))}
    lines = []
    for line in rest.splitlines()[1:]:
        if not line.startswith((" ", "-")):
            break
        lines.append(line.strip())
    if all(line.startswith("-") for line in lines):
        return {i: line.lstrip("- ").strip("'\"") for i, line in enumerate(lines)}
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {int(key): word.strip(" '\"") for key, _, word in pairs if key.strip().isdecimal()}


def _loc(root: Path) -> Iterator[tuple[str, Box]]:
    for path in root.glob("LOC_*_solution.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                words = (row.get("PredictionString") or "").split()
                for start in range(0, len(words) - 4, 5):
                    left, top, right, bottom = map(float, words[start + 1 : start + 5])
                    yield row["ImageId"], Box(words[start], (left, top, right + 1, bottom + 1))
