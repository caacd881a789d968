"""Datasets: images in a fixed order with what is known of them; read without torch."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from xai_core.class_folders import (
    LABELS,
    MASKS,
    TEST_PARTS,
    LabelTable,
    class_folders,
    part_of,
    plain_name,
    root_of,
)
from xai_core.images import (
    BadImage,
    Framing,
    InputFormat,
    Photo,
    find_images,
    framed_region,
    open_image,
)

if TYPE_CHECKING:
    from xai_core.orchard.dataset import OrchardSplit
    from xai_core.orchard.shot import Shot

Mask = npt.NDArray[np.bool_]


class BadMask(ValueError):
    """A mask that cannot be used; the message is one sentence for people."""


@dataclass(frozen=True)
class Item:
    """One image: its name in the data set, its file, class index and level where known.

    `read_mask` gives the object's mask (H, W) at the photo's resolution, None without one;
    `read_shot` says how a drawn picture was drawn, so that it can be drawn again.
    """

    name: str
    path: Path
    label: int | None = None
    level: int | None = None
    read_mask: Callable[[], Mask] | None = None
    read_shot: Callable[[], Shot] | None = None

    def open(self) -> Photo:
        """The checked picture; raises BadImage."""
        return open_image(self.path, self.name)

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
            return None
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

    `notes` say what was noticed while looking for the images, one sentence each.
    """

    name: str
    items: tuple[Item, ...]
    notes: tuple[str, ...] = ()

    @property
    def has_masks(self) -> bool:
        return any(item.read_mask is not None for item in self.items)

    @property
    def has_shots(self) -> bool:
        return all(item.read_shot is not None for item in self.items)


def load_dataset(name_or_folder: str | Path, categories: Sequence[str]) -> Dataset:
    """`orchard`, or a folder of images; raises BadImage where there is nothing to evaluate."""
    if str(name_or_folder) == "orchard":
        return load_orchard_dataset(categories)
    return load_folder(name_or_folder, categories)


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


def load_folder(folder: str | Path, categories: Sequence[str]) -> Dataset:
    """A folder of images, or of one folder per class; masks in `masks/` under the same names.

    Folder names are matched to `categories` without regard to case and separators; a `labels.csv`
    (file, class_index or class_name) goes before them. Where there are parts (Training and Test as
    in Fruits 360, train and val) the part set aside is used. A mask is an image of the same size
    whose non-zero pixels are the object. Raises BadImage without any image.
    """
    root = root_of(Path(folder))
    masks, table = root / MASKS, root / LABELS
    images = root if table.is_file() else part_of(root, TEST_PARTS) or root
    paths = [path for path in find_images(images) if masks not in path.parents]
    if not paths:
        raise BadImage(f"{folder}: no images outside the folder {MASKS}")
    relatives = [path.relative_to(images) for path in paths]
    if table.is_file():
        listed = LabelTable(table, categories)
        labels, notes = [listed.label(relative) for relative in relatives], list(listed.notes)
    else:
        labels, notes = _folder_labels(images, relatives, categories)
    items = [
        Item(relative.as_posix(), path, label, None, _mask_reader(masks, relative))
        for path, relative, label in zip(paths, relatives, labels, strict=True)
    ]
    return Dataset(root.resolve().name, dealt(items), tuple(notes))


def dealt(items: Sequence[Item]) -> tuple[Item, ...]:
    """The items ordered so that every beginning holds classes evenly, and levels among them."""
    return tuple(_deal(items, [lambda item: item.label, lambda item: item.level]))


def framed_mask(mask: Mask, form: InputFormat, framing: Framing) -> Mask:
    """A photo's mask as the network sees the photo: (size, size) bool, by nearest pixel."""
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
    images: Path, relatives: Sequence[Path], categories: Sequence[str]
) -> tuple[list[int | None], list[str]]:
    """The class each picture's folder names, and what is odd about the folders."""
    known = {plain_name(name): index for index, name in enumerate(categories)}
    folders = [relative.parts[0] if len(relative.parts) > 1 else None for relative in relatives]
    labels = [None if name is None else known.get(plain_name(name)) for name in folders]
    pairs = zip(folders, labels, strict=True)
    unknown = sorted({name for name, label in pairs if name is not None and label is None})
    empty = [path.name for path in class_folders(images) if path.name not in folders]
    notes = []
    if empty:
        notes.append(f"folders without an image: {', '.join(empty)}")
    if unknown:
        notes.append(
            f"folders that name no class of the network, evaluated without a label: "
            f"{', '.join(unknown)}"
        )
    return labels, notes


def _mask_reader(masks: Path, relative: Path) -> Callable[[], Mask] | None:
    for candidate in (relative.with_suffix(".png"), relative):
        path = masks / candidate
        if path.is_file():
            return lambda: _read_mask(path)
    return None


def _read_mask(path: Path) -> Mask:
    try:
        with Image.open(path, formats=("PNG", "BMP", "TIFF")) as image:
            values = np.asarray(image)
    except (OSError, ValueError, SyntaxError):
        raise BadMask(f"{path.name}: the mask is not a PNG, BMP or TIFF that can be read") from None
    return np.asarray(values.any(axis=2) if values.ndim == 3 else values > 0, dtype=bool)
