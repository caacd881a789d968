"""Training data of the user's own: a folder of images with one folder per class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from xai_core.images.class_folders import (
    TRAINING_PARTS,
    VALIDATION_PARTS,
    class_folders,
    part_of,
    root_of,
)
from xai_core.images.class_names import plain_name
from xai_core.images.image_files import files_below, is_image, require_folder
from xai_core.images.reading import BadImage, open_image

KEPT_BYTES = 2 * 2**30


@dataclass(frozen=True)
class FolderOfClasses:
    """Image files with labels, and their categories; `broken` has a sentence for each bad file."""

    files: tuple[Path, ...]
    labels: tuple[int, ...]
    categories: tuple[str, ...]
    broken: tuple[str, ...]


class Pictures:
    """Images of a folder at one size: `read(index)` gives (3, S, S) uint8, kept in memory."""

    def __init__(self, files: Sequence[Path], labels: Sequence[int], size: int) -> None:
        self.labels = torch.tensor(labels, dtype=torch.int64)
        self._files, self._size = tuple(files), size
        self._kept: dict[int, Tensor] = {}

    def read(self, index: int) -> Tensor:
        if index in self._kept:
            return self._kept[index]
        photo = Image.fromarray(open_image(self._files[index]).rgb)
        resized = photo.resize((self._size, self._size), Image.Resampling.BILINEAR)
        picture = torch.from_numpy(np.array(resized)).permute(2, 0, 1)
        if (len(self._kept) + 1) * picture.numel() <= KEPT_BYTES:
            self._kept[index] = picture
        return picture


def read_folder(folder: Path, categories: Sequence[str] = ()) -> FolderOfClasses:
    """Every image below `folder`, one folder per class, each opened once to find broken files.

    With `categories` given, the folders must be those. Raises BadImage with what to do.
    """
    require_folder(folder)
    classes = class_folders(folder)
    if not classes:
        raise BadImage(f"{folder}: needs one folder of images for each class")
    names = tuple(categories) or tuple(path.name for path in classes)
    known = {plain_name(name): index for index, name in enumerate(names)}
    for index, name in enumerate(names):
        if known[plain_name(name)] != index:
            twin = names[known[plain_name(name)]]
            raise BadImage(
                f"{folder}: the class folders {name!r} and {twin!r} differ in case or separators "
                "only"
            )
    unknown = [path.name for path in classes if plain_name(path.name) not in known]
    if unknown:
        raise BadImage(f"{folder}: the folder {unknown[0]!r} is none of the classes in training")
    files: list[Path] = []
    labels: list[int] = []
    broken: list[str] = []
    for path in classes:
        before = len(files)
        for file in sorted(filter(is_image, files_below(path))):
            try:
                open_image(file)
            except BadImage as error:
                broken.append(str(error))
            else:
                files.append(file)
                labels.append(known[plain_name(path.name)])
        if len(files) == before:
            raise BadImage(f"{path}: this class has no image that can be read; fill or remove it")
    if len(names) < 2:
        raise BadImage(f"{folder}: has the one class {names[0]!r}; training needs two or more")
    return FolderOfClasses(tuple(files), tuple(labels), names, tuple(broken))


def split_folder(
    folder: Path, size: int, validation_share: float, seed: int
) -> tuple[Pictures, Pictures, tuple[str, ...], tuple[str, ...]]:
    """Training images, validation images, categories, sentences about broken files.

    Given folders (Training and Test as in Fruits 360, train and val) are used as they are; else
    `validation_share` of every class is set aside, drawn by `seed`, and each part gets at least
    one image.
    """
    folder = root_of(folder)
    parts = [part_of(folder, names) for names in (TRAINING_PARTS, VALIDATION_PARTS)]
    if parts[0] and parts[1]:
        found = read_folder(parts[0])
        checked = read_folder(parts[1], found.categories)
        training = Pictures(found.files, found.labels, size)
        validation = Pictures(checked.files, checked.labels, size)
        return training, validation, found.categories, found.broken + checked.broken
    found = read_folder(parts[0] or folder)
    labels = np.array(found.labels)
    random = np.random.default_rng(seed)
    aside = np.zeros(len(labels), dtype=bool)
    for label in range(len(found.categories)):
        own = np.flatnonzero(labels == label)
        if len(own) < 2:
            raise BadImage(
                f"{folder}: class {found.categories[label]!r} has one image; two are needed, one "
                "of them for validation"
            )
        count = min(len(own) - 1, max(1, round(len(own) * validation_share)))
        aside[random.permutation(own)[:count]] = True

    def pictures(chosen: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Pictures:
        indices = np.flatnonzero(chosen)
        return Pictures([found.files[i] for i in indices], labels[indices].tolist(), size)

    return pictures(~aside), pictures(aside), found.categories, found.broken
