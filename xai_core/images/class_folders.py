"""Class folders: how people lay out labelled images: parts, and a folder per class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from xai_core.images.image_files import is_image, is_junk, require_folder

MASK_FOLDERS = ("masks", "mask", "segmentationclass")
TRAINING_PARTS = ("training", "train")
VALIDATION_PARTS = ("validation", "valid", "val", "test")
TEST_PARTS = ("test", "validation", "valid", "val", "images", "jpegimages")


def root_of(folder: Path) -> Path:
    """The folder that holds the parts, also where unpacking put one more folder around it.

    Raises BadImage where there is no such folder.
    """
    require_folder(folder)
    inside = class_folders(folder)
    alone = len(inside) == 1 and not any(is_image(p) for p in folder.iterdir())
    if alone and part_of(inside[0], TRAINING_PARTS) and part_of(inside[0], TEST_PARTS):
        return inside[0]
    return folder


def part_of(root: Path, names: Sequence[str]) -> Path | None:
    """The first of the parts (Training, Test, ...) that the folder has, in any case."""
    found = {path.name.casefold(): path for path in class_folders(root)}
    return next((found[name] for name in names if name in found), None)


def class_folders(root: Path) -> list[Path]:
    """The folders of a folder that may be classes: neither junk nor the masks."""
    inside = (path for path in root.iterdir() if path.is_dir())
    return sorted(p for p in inside if not is_junk(p.name) and not is_mask_folder(p.name))


def is_mask_folder(name: str) -> bool:
    """Whether a folder of this name holds masks, in any case."""
    return name.casefold() in MASK_FOLDERS
