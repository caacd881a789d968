"""Class folders: how people lay out labelled pictures: parts, a folder per class, or labels.csv."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from xai_core.images import SUFFIXES, BadImage, require_folder

MASKS = "masks"
LABELS = "labels.csv"
TRAINING_PARTS = ("training", "train")
VALIDATION_PARTS = ("validation", "valid", "val", "test")
TEST_PARTS = ("test", "validation", "valid", "val", "images")
NAME_COLUMNS = ("class_name", "class", "label")


def plain_name(name: str) -> str:
    """A class name without case, accents' spelling and separators: folders cannot hold a slash."""
    text = unicodedata.normalize("NFKC", name).casefold()
    return " ".join("".join(" " if letter in "_-/\\:" else letter for letter in text).split())


def root_of(folder: Path) -> Path:
    """The folder that holds the parts, also where unpacking put one more folder around it.

    Raises BadImage where there is no such folder.
    """
    require_folder(folder)
    inside = class_folders(folder)
    alone = len(inside) == 1 and not any(p.suffix.lower() in SUFFIXES for p in folder.iterdir())
    if alone and part_of(inside[0], TRAINING_PARTS) and part_of(inside[0], TEST_PARTS):
        return inside[0]
    return folder


def part_of(root: Path, names: Sequence[str]) -> Path | None:
    """The first of the parts (Training, Test, ...) that the folder has, in any case."""
    found = {path.name.casefold(): path for path in class_folders(root)}
    return next((found[name] for name in names if name in found), None)


def class_folders(root: Path) -> list[Path]:
    """The folders of a folder that may be classes: neither hidden ones nor the masks."""
    inside = (path for path in root.iterdir() if path.is_dir())
    return sorted(p for p in inside if not p.name.startswith(".") and p.name != MASKS)


class LabelTable:
    """The labels of a `labels.csv`: `file` with `class_index` or a name; `notes` on odd ones.

    Raises BadImage, with the line, for what cannot be a label of `categories`.
    """

    def __init__(self, path: Path, categories: Sequence[str]) -> None:
        self._path, self._categories = path, tuple(categories)
        self._known = {plain_name(name): index for index, name in enumerate(categories)}
        self._labels: dict[str, int | None] = {}
        self._unknown: list[str] = []
        self._renamed: list[str] = []
        for line, row in self._rows():
            self._labels[Path(row["file"]).as_posix()] = self._label(line, row)

    def label(self, relative: Path) -> int | None:
        """The label of a picture, listed by its path in the folder or by its bare name."""
        return self._labels.get(relative.as_posix(), self._labels.get(relative.name))

    @property
    def notes(self) -> tuple[str, ...]:
        notes = []
        if self._unknown:
            notes.append(
                f"lines of {self._path.name} that name no class of the network: "
                f"{len(self._unknown)} (the first: {self._unknown[0]!r}); those pictures have no "
                "label"
            )
        if self._renamed:
            notes.append(
                f"classes that {self._path.name} and the network name differently: "
                f"{len(self._renamed)} (the first: {self._renamed[0]}); the class_index counts"
            )
        return tuple(notes)

    def _rows(self) -> list[tuple[int, dict[str, str]]]:
        try:
            with self._path.open(newline="", encoding="utf-8-sig") as file:
                reader = csv.DictReader(file)
                columns = set(reader.fieldnames or ())
                rows = [(reader.line_num, row) for row in reader]
        except UnicodeDecodeError:
            raise BadImage(f"{self._path}: must be UTF-8 text") from None
        except csv.Error as error:
            raise BadImage(f"{self._path}: not a table ({error})") from None
        if "file" not in columns or not columns & {"class_index", *NAME_COLUMNS}:
            raise BadImage(
                f"{self._path}: needs a column file and one of class_index, "
                f"{', '.join(NAME_COLUMNS)}"
            )
        return [(line, row) for line, row in rows if row["file"]]

    def _label(self, line: int, row: dict[str, str]) -> int | None:
        name = next((row[column] for column in NAME_COLUMNS if row.get(column)), "")
        number = row.get("class_index") or ""
        if not number:
            found = self._known.get(plain_name(name))
            if found is None:
                self._unknown.append(name)
            return found
        if not number.isdecimal() or (self._categories and int(number) >= len(self._categories)):
            raise BadImage(
                f"{self._path}, line {line}: class_index {number!r} is no class of the network, "
                f"which has 0 to {len(self._categories) - 1}; are these labels for another network?"
            )
        ours = self._categories[int(number)] if self._categories else name
        if name and plain_name(name) != plain_name(ours):
            self._renamed.append(f"{name!r} is {ours!r}")
        return int(number)
