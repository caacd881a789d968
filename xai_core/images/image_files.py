"""Image files of a folder: which are found, which is junk, which are passed over."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from xai_core.images.reading import BadImage

HEIC = (".heic", ".heif") if find_spec("pillow_heif") else ()
SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".jfif", ".jpe", ".mpo", ".webp", ".avif", ".bmp", ".tif", ".tiff",
    ".gif", *HEIC,
)  # fmt: skip
BESIDE = (
    ".csv", ".tsv", ".txt", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".md", ".py", ".html",
    ".mat", ".cache",
)  # fmt: skip
"""What lies beside images and is none: tables, notes, annotations."""
JUNK = {"__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin"}


def is_junk(name: str) -> bool:
    """Whether a file or folder is what systems leave behind: hidden ones, __MACOSX, Thumbs.db."""
    return name.startswith(".") or name.casefold() in JUNK


def is_image(path: Path) -> bool:
    """Whether a file's name says that it is an image."""
    return path.suffix.lower() in SUFFIXES and not is_junk(path.name)


def require_folder(folder: Path) -> None:
    """Raises BadImage where a folder of images was named and is none."""
    if folder.is_file():
        raise BadImage(f"{folder}: a file; name the folder that holds the images")
    if not folder.is_dir():
        raise BadImage(f"{folder}: no such folder")


def files_below(folder: Path) -> Iterator[Path]:
    """Every file below a folder but junk, unsorted."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_junk(name)]
        yield from (Path(place, name) for name in names if not is_junk(name))


def no_images(folder: str | Path) -> BadImage:
    """What is said of a folder without images."""
    return BadImage(f"{folder}: no images in this folder ({', '.join(SUFFIXES)})")


def find_images(folder: str | Path) -> list[Path]:
    """Every image file below a folder, sorted; raises BadImage where there is none."""
    root = Path(folder)
    require_folder(root)
    found = sorted(path for path in files_below(root) if is_image(path))
    if not found:
        raise no_images(folder)
    return found


def passed_over(folder: Path) -> str:
    """One sentence on the files below a folder that are no images that open; "" without any."""
    others = sorted(
        path for path in files_below(folder)
        if not is_image(path) and path.suffix.lower() not in BESIDE
    )  # fmt: skip
    if not others:
        return ""
    kinds = Counter(path.suffix.lower() or "no suffix" for path in others).most_common()
    told = ", ".join(f"{count} {kind}" for kind, count in kinds[:8])
    return f"files passed over: {told} (the first: {others[0].relative_to(folder).as_posix()})"
