"""Label tables: rows of file and class as people write them, matched to the images found."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from xai_core.images.class_names import ClassNames, plain_name
from xai_core.images.image_files import SUFFIXES
from xai_core.images.imagenet_ids import id_in, match_ids
from xai_core.images.reading import BadImage

TABLES = ("labels.csv", "labels.tsv", "loc_val_solution.csv")
FILE_COLUMNS = ("file", "filename", "file_name", "image", "imageid", "image_id", "path", "name")
NAME_COLUMNS = ("class_name", "class", "label", "category", "predictionstring")
SEPARATORS = ",;\t"
NAMED = 3
EXACT = 1_000_000
"""Above every number of folders that two paths may share."""
Row = tuple[int, dict[str, str]]


def find_table(root: Path) -> Path | None:
    """The label table of a folder, whatever the case of its name."""
    files = {path.name.casefold(): path for path in root.iterdir() if path.is_file()}
    return next((files[name] for name in TABLES if name in files), None)


class LabelTable:
    """The labels of the images `relatives` (paths in the folder); `notes` say what matched.

    A row means the image of its path, else of its name, else of its name without suffix.
    Raises BadImage, with the line, for what cannot be a label of `categories`.
    """

    def __init__(self, path: Path, categories: Sequence[str], relatives: Sequence[Path]) -> None:
        self._path, self._categories = path, tuple(categories)
        self._names = ClassNames(categories)
        self._unknown: list[str] = []
        self._renamed: list[str] = []
        self._numbers = 0
        rows = self._rows()
        ids = {id_in(name) for _, row in rows if (name := _named(row))} - {""}
        named_so = any(plain_name(name) in map(plain_name, categories) for name in ids)
        self._ids = match_ids(ids, categories, path.parent) if ids and not named_so else None
        found = [(row["file"], self._label(line, row)) for line, row in rows]
        self._match(found, [PurePosixPath(relative.as_posix()) for relative in relatives])

    def _match(
        self, rows: Sequence[tuple[str, int | None]], pictures: Sequence[PurePosixPath]
    ) -> None:
        by_name, by_stem = defaultdict(list), defaultdict(list)
        places = {picture: index for index, picture in enumerate(pictures)}
        turned = [picture.parts[::-1] for picture in pictures]
        for index, picture in enumerate(pictures):
            by_name[picture.name].append(index)
            by_stem[picture.stem].append(index)
        claims: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self._missing: list[str] = []
        self._several: list[str] = []
        for number, (text, _) in enumerate(rows):
            path = PurePosixPath(text.strip().replace("\\", "/"))
            hits, level = ([places[path]], EXACT) if path in places else ([], 0)
            if not hits:
                hits, level = _best(path, by_name[path.name], turned)
            if not hits and path.suffix.lower() not in SUFFIXES:
                hits, level = by_stem[path.name], 0
            elif not hits:
                hits, level = by_stem[path.stem], 0
            (self._missing if not hits else self._several if len(hits) > 1 else []).append(text)
            if len(hits) == 1:
                claims[hits[0]].append((level, number))
        self._settle(rows, pictures, claims)

    def _settle(
        self,
        rows: Sequence[tuple[str, int | None]],
        pictures: Sequence[PurePosixPath],
        claims: dict[int, list[tuple[int, int]]],
    ) -> None:
        """Gives each image the label of the row that names it best; two that differ give none."""
        self.labels: list[int | None] = [None] * len(pictures)
        self._twice: list[str] = []
        self._unlisted = [p.as_posix() for i, p in enumerate(pictures) if i not in claims]
        self._matched = 0
        for index, claimed in claims.items():
            best = max(level for level, _ in claimed)
            chosen = [number for level, number in claimed if level == best]
            self._missing += [rows[number][0] for level, number in claimed if level < best]
            self._matched += len(chosen)
            given = {rows[number][1] for number in chosen}
            if len(chosen) > 1:
                differ = " with different classes, so it has no label" if len(given) > 1 else ""
                self._twice.append(f"{pictures[index].as_posix()} {len(chosen)} times{differ}")
            self.labels[index] = given.pop() if len(given) == 1 else None
        self._count = len(rows)

    @property
    def notes(self) -> tuple[str, ...]:
        name = self._path.name
        notes = [f"{name}: {self._matched} of {self._count} rows name an image"]
        listed = (
            ("rows without an image", self._missing),
            ("rows that fit several images, used for none", self._several),
            ("images listed more than once", self._twice),
            ("images without a row", self._unlisted),
        )
        notes += [f"{name}: {what}: {_some(names)}" for what, names in listed if names]
        if self._numbers:
            notes.append(f"{name}: numbers in place of names are taken as class_index")
        if self._ids:
            notes.append(f"{name}: {self._ids.note}")
        if self._unknown:
            notes.append(
                f"lines of {name} that name no class of the model: "
                f"{len(self._unknown)} (the first: {self._unknown[0]!r}); those images have no "
                "label"
            )
        if self._renamed:
            notes.append(
                f"classes that {name} and the model name differently: "
                f"{len(self._renamed)} (the first: {self._renamed[0]}); the class_index counts"
            )
        return tuple(notes)

    def _rows(self) -> list[Row]:
        try:
            with self._path.open(newline="", encoding="utf-8-sig") as file:
                first = file.readline()
                file.seek(0)
                separator = max(SEPARATORS, key=first.count)
                reader = csv.DictReader(file, delimiter=separator)
                reader.fieldnames = [_column(name) for name in reader.fieldnames or ()]
                rows = [(reader.line_num, row) for row in reader]
        except UnicodeDecodeError:
            raise BadImage(f"{self._path}: must be UTF-8 text") from None
        except csv.Error as error:
            raise BadImage(f"{self._path}: not a table ({error})") from None
        columns = set(reader.fieldnames or ())
        if "file" not in columns or not columns & {"class_index", *NAME_COLUMNS}:
            raise BadImage(
                f"{self._path}: needs a column file and one of class_index, "
                f"{', '.join(NAME_COLUMNS[:3])}"
            )
        return [(line, row) for line, row in rows if row["file"]]

    def _label(self, line: int, row: dict[str, str]) -> int | None:
        name = _named(row)
        number = (row.get("class_index") or "").strip()
        if not number:
            return self._by_name(line, name)
        index = self._by_number(line, number)
        ours = self._categories[index] if self._categories else name
        if name and plain_name(name) != plain_name(ours):
            self._renamed.append(f"{name!r} is {ours!r}")
        return index

    def _by_name(self, line: int, name: str) -> int | None:
        found = self._names.index(name)
        if found is None and self._ids:
            found = self._ids.indices.get(id_in(name))
        if found is None and name.isdecimal() and not self._names.all_of(name):
            self._numbers += 1
            return self._by_number(line, name)
        if found is None:
            self._unknown.append(name)
        return found

    def _by_number(self, line: int, number: str) -> int:
        if not number.isdecimal() or (self._categories and int(number) >= len(self._categories)):
            raise BadImage(
                f"{self._path}, line {line}: class_index {number!r} is no class of the model, "
                f"which has 0 to {len(self._categories) - 1}; are these labels for another model?"
            )
        return int(number)


def _column(name: str) -> str:
    plain = name.strip().casefold()
    return "file" if plain in FILE_COLUMNS else plain


def _named(row: dict[str, str]) -> str:
    """The class that a row names; of `n01440764 12 30 99 140`, ImageNet's way, the id."""
    given = next((column for column in NAME_COLUMNS if row.get(column)), "")
    name = row[given].strip() if given else ""
    return name.split()[0] if given == "predictionstring" and name else name


def _best(
    path: PurePosixPath, hits: Sequence[int], turned: Sequence[tuple[str, ...]]
) -> tuple[list[int], int]:
    """Those of the images of one name that share most folders with a path, and how many parts.

    `turned` has the parts of each image's path, the name first.
    """
    parts = path.parts[::-1]
    best, level = list[int](), 1
    for index in hits:
        other, shared = turned[index], 1
        while shared < min(len(parts), len(other)) and parts[shared] == other[shared]:
            shared += 1
        if shared > level:
            best, level = [], shared
        best += [index] if shared == level else []
    return best, level


def _some(names: Sequence[str]) -> str:
    told = ", ".join(names[:NAMED])
    return f"{len(names)} ({told}{', ...' if len(names) > NAMED else ''})"
