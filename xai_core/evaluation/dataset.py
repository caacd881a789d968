"""Datasets: images in a fixed order with what is known of them; read without torch."""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from xai_core.evaluation.boxes import Box, BoxFiles, box_mask
from xai_core.evaluation.masks import BadMask, Mask, MaskFiles, MaskValue, mask_reader
from xai_core.images.class_folders import TEST_PARTS, class_folders, part_of, root_of
from xai_core.images.class_names import ClassNames
from xai_core.images.grey_window import Window
from xai_core.images.image_files import find_images, passed_over
from xai_core.images.imagenet_ids import id_in, match_ids
from xai_core.images.label_table import LabelTable, find_table
from xai_core.images.reading import BadImage, Framing, InputFormat, Photo, framed_region, open_image

if TYPE_CHECKING:
    from xai_core.orchard.dataset import OrchardSplit
    from xai_core.orchard.shot import Shot

IMAGENET_VALIDATION = Path("ILSVRC", "Data", "CLS-LOC", "val")


@dataclass(frozen=True)
class Reading:
    """How files are read where they leave a choice: the window of deep grey, what masks mark."""

    window: Window | None = None
    mask_value: MaskValue | None = None

    def described(self) -> dict[str, object]:
        """The choices that were made, for a run's manifest; empty without any."""
        chosen: dict[str, object] = {}
        if self.window:
            chosen["window"] = list(self.window)
        if self.mask_value:
            chosen["mask_value"] = [list(ends) for ends in self.mask_value.ranges]
        return chosen


@dataclass(frozen=True)
class Item:
    """One image: its name in the data set, its file, class index and level where known.

    `read_mask` gives the object's mask (H, W) at the photo's resolution, None without one;
    `boxes` stand in for it. `read_shot` says how a drawn image was drawn, so that it can be
    drawn again.
    """

    name: str
    path: Path
    label: int | None = None
    level: int | None = None
    read_mask: Callable[[], Mask] | None = None
    read_shot: Callable[[], Shot] | None = None
    window: Window | None = None
    boxes: tuple[Box, ...] = ()

    def open(self) -> Photo:
        """The checked image; raises BadImage."""
        return open_image(self.path, self.name, self.window)

    def sha256(self) -> str:
        """Of the file's bytes; "" where it cannot be read."""
        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return ""

    def mask(self, photo: Photo) -> Mask | None:
        """The object's mask at the photo's resolution; raises BadMask where it does not fit."""
        if self.read_mask is None:
            return box_mask(self.boxes, *photo.rgb.shape[:2]) if self.boxes else None
        mask = self.read_mask()
        if mask.shape != photo.rgb.shape[:2]:
            raise BadMask(
                f"{self.name}: the mask is {mask.shape[1]} x {mask.shape[0]} pixels, the image "
                f"{photo.rgb.shape[1]} x {photo.rgb.shape[0]}; they must be equal"
            )
        return mask


@dataclass(frozen=True)
class Dataset:
    """Images in a fixed order that deals classes and levels out evenly: any beginning is balanced.

    `notes` say what was noticed while looking for the images, one sentence each; `place` is the
    folder that the images come from, "" for what is drawn.
    """

    name: str
    items: tuple[Item, ...]
    notes: tuple[str, ...] = ()
    reading: Reading = Reading()
    place: str = ""

    @property
    def key(self) -> str:
        """The name, and what tells a folder from another one of the same name."""
        if not self.place:
            return self.name
        return f"{self.name}-{hashlib.sha256(os.fsencode(self.place)).hexdigest()[:6]}"

    @property
    def has_masks(self) -> bool:
        return any(item.read_mask is not None or item.boxes for item in self.items)

    @property
    def has_shots(self) -> bool:
        return all(item.read_shot is not None for item in self.items)


def load_dataset(
    name_or_folder: str | Path, categories: Sequence[str], reading: Reading | None = None
) -> Dataset:
    """`orchard`, or a folder of images; raises BadImage where there is nothing to evaluate."""
    if str(name_or_folder) == "orchard":
        return load_orchard_dataset(categories)
    return load_folder(name_or_folder, categories, reading)


def load_orchard_dataset(
    categories: Sequence[str] = (), split: OrchardSplit | None = None
) -> Dataset:
    """Orchard's single-fruit test images with their exact masks; labels as in `categories`."""
    from xai_core.orchard.dataset import load_orchard
    from xai_core.orchard.shot import Shot

    split = split or load_orchard()
    names = list(categories)

    def item(index: int) -> Item:
        fruit = split.classes[index][0]
        label = names.index(fruit) if fruit in names else None
        if not names:
            label = split.labels[index]
        path = split.images[index]
        return Item(
            path.stem,
            path,
            label,
            split.levels[index],
            lambda: split.mask(index),
            lambda: Shot(split.scenes[index], split.side),
        )

    return Dataset("orchard", dealt([item(index) for index in split.indices("single")]))


def load_folder(
    folder: str | Path, categories: Sequence[str], reading: Reading | None = None
) -> Dataset:
    """A folder of images, or of one folder per class; masks in `masks/` under the same names.

    Folder names are matched to `categories` without regard to case and separators; a `labels.csv`
    goes before them, ImageNet ids and numbered folders after them. Where there are parts
    (Training and Test as in Fruits 360, train and val) the part set aside is used. Where there are
    no masks, boxes of COCO, VOC or YOLO files stand in. Raises BadImage without any image.
    """
    root, reading = root_of(Path(folder)), reading or Reading()
    table = find_table(root)
    images = _images_of(root, table)
    masks = MaskFiles(root, find_images(images))
    if not masks.images:
        raise BadImage(f"{folder}: no images outside the folder of masks")
    relatives = [path.relative_to(images) for path in masks.images]
    boxes = BoxFiles(root, categories)
    stems = Counter(path.stem for path in masks.images)
    if table:
        listed = LabelTable(table, categories, relatives)
        labels, notes = listed.labels, list(listed.notes)
    else:
        labels, notes = _folder_labels(images, relatives, categories, boxes)
    items = []
    for path, relative, label in zip(masks.images, relatives, labels, strict=True):
        mask = masks.of(path, relative)
        own = boxes.of(path.stem, label) if mask is None and stems[path.stem] == 1 else ()
        reader = mask_reader(mask, reading.mask_value) if mask else None
        items.append(
            Item(
                relative.as_posix(), path, label,
                read_mask=reader, window=reading.window, boxes=own,
            )
        )  # fmt: skip
    notes += [*masks.notes(), *boxes.notes(sum(bool(item.boxes) for item in items))]
    notes += [passed] if (passed := passed_over(images)) else []
    place = root.resolve()
    return Dataset(place.name, dealt(items), tuple(notes), reading, str(place))


def _images_of(root: Path, table: Path | None) -> Path:
    """The folder below which the images to look at lie."""
    if (root / IMAGENET_VALIDATION).is_dir():
        return root / IMAGENET_VALIDATION
    if table:
        return root
    part = part_of(root, TEST_PARTS)
    return (part_of(part, TEST_PARTS) or part) if part else root


def dealt(items: Sequence[Item]) -> tuple[Item, ...]:
    """The items ordered so that every beginning holds classes evenly, and levels among them."""
    return tuple(_deal(items, [lambda item: item.label, lambda item: item.level]))


def framed_mask(mask: Mask, form: InputFormat, framing: Framing) -> Mask:
    """A photo's mask as the model sees the photo: (size, size) bool, by nearest pixel."""
    top, left, height, width = framed_region(mask.shape[0], mask.shape[1], form, framing)
    crop = Image.fromarray(mask[top : top + height, left : left + width])
    return np.asarray(crop.resize(form.shape[:0:-1], Image.Resampling.NEAREST), dtype=bool)


def _deal(
    items: Sequence[Item], keys: Sequence[Callable[[Item], int | None]], first: int = 0
) -> list[Item]:
    """One item of each hand in turn, beginning with hand `first`: each class at another level."""
    if not keys:
        return list(items)
    hands: dict[int | None, list[Item]] = defaultdict(list)
    for item in items:
        hands[keys[0](item)].append(item)
    order = sorted(hands, key=lambda value: (value is None, value))
    order = order[first % len(order) :] + order[: first % len(order)] if order else []
    dealt_hands = [_deal(hands[value], keys[1:], place) for place, value in enumerate(order)]
    longest = max(map(len, dealt_hands), default=0)
    return [hand[turn] for turn in range(longest) for hand in dealt_hands if turn < len(hand)]


def _folder_labels(
    images: Path, relatives: Sequence[Path], categories: Sequence[str], boxes: BoxFiles
) -> tuple[list[int | None], list[str]]:
    """The class each image's folder (else its boxes) names, and what is odd about them."""
    folders = [relative.parts[0] if len(relative.parts) > 1 else "" for relative in relatives]
    known, notes = _folder_classes(
        {folder or relative.stem for folder, relative in zip(folders, relatives, strict=True)},
        set(folders) - {""}, categories, images,
    )  # fmt: skip
    labels = [
        known.get(folder or relative.stem, boxes.label(relative.stem))
        for folder, relative in zip(folders, relatives, strict=True)
    ]
    pairs = zip(folders, labels, strict=True)
    unknown = sorted({name for name, label in pairs if name and label is None})
    empty = [path.name for path in class_folders(images) if path.name not in folders]
    if empty:
        notes.append(f"folders without an image: {', '.join(empty)}")
    if unknown:
        notes.append(
            f"folders that name no class of the model, evaluated without a label: "
            f"{', '.join(unknown)}"
        )
    return labels, notes


def _folder_classes(
    names: set[str], folders: set[str], categories: Sequence[str], root: Path
) -> tuple[dict[str, int], list[str]]:
    """Classes of folders by name, ImageNet id or number; of files in none by the id they hold."""
    spelt = ClassNames(categories)
    known = {name: index for name in folders if (index := spelt.index(name)) is not None}
    notes = [
        f"the folder {name} names {len(spelt.all_of(name))} classes; number it, as in "
        f"'{name} (1)'; its images have no label"
        for name in sorted(folders)
        if len(spelt.all_of(name)) > 1
    ]
    if ids := {name: id_in(name) for name in names - known.keys() if id_in(name)}:
        matched = match_ids(ids.values(), categories, root)
        known |= {name: matched.indices[i] for name, i in ids.items() if i in matched.indices}
        notes.append(matched.note)
    elif folders and not known and all(name.isdecimal() and name.isascii() for name in folders):
        numbers, count = {name: int(name) for name in folders}, len(categories)
        first = 1 if max(numbers.values()) == count and 0 not in numbers.values() else 0
        known = {name: n - first for name, n in numbers.items() if n - first < count}
        notes.append(f"numbered folders are taken as classes, counted from {first}")
    return known, notes
