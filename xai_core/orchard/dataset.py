"""The stored test splits with exact masks: fruits and pairs, varieties, tables; without torch."""

from __future__ import annotations

import csv
import functools
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from xai_core.files import write_whole
from xai_core.orchard.sampling import LEVELS, sample_pair, sample_scene
from xai_core.orchard.scene import CLASSES, FRUITS, VARIETIES, Scene, part_names
from xai_core.orchard.table import AREAS, sample_table
from xai_core.orchard.variety import sample_variety
from xai_core.places import DATA

ORCHARD_FOLDER = DATA / "orchard"
FOLDERS = {
    "fruits": ORCHARD_FOLDER,
    "table": DATA / "orchard_table",
    "variety": DATA / "orchard_variety",
}
"""Where each split lies: single fruits and pairs, tables, or varieties. A folder each, because
some methods draw from all images of the first."""
IMAGE_SIZE = 224
PER_CLASS_AND_LEVEL = 5
PAIRS = 60
TABLES = 240
VARIETIES_STORED = 60
_QUALITY = {"fruits": 95, "table": 95, "variety": 90}
# a fruit must show at least this share of the image's pixels, of a pair each one
_LEAST_VISIBLE = 0.008
_COLUMNS = ("file", "mask", "kind", "classes", "level", "seed")


@dataclass(frozen=True)
class OrchardSplit:
    """The stored scenes in the order of labels.csv; every tuple has one entry per image.

    `classes[i]` holds the names of its fruits; `labels[i]` is the index of the first in CLASSES;
    `kinds[i]` is "single", "pair", "table" or "variety".
    """

    folder: Path
    images: tuple[Path, ...]
    masks: tuple[Path, ...]
    kinds: tuple[str, ...]
    classes: tuple[tuple[str, ...], ...]
    labels: tuple[int, ...]
    levels: tuple[int, ...]
    seeds: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.images)

    @functools.cached_property
    def scenes(self) -> tuple[Scene, ...]:
        """The scenes as data, to be edited and drawn again."""
        stored = json.loads((self.folder / "scenes.json").read_text(encoding="utf-8"))
        return tuple(Scene.from_dict(stored[path.stem]) for path in self.images)

    @functools.cached_property
    def side(self) -> int:
        """Width and height of every image in pixels."""
        with Image.open(self.images[0]) as image:
            return int(image.width)

    def indices(self, kind: str) -> tuple[int, ...]:
        """Positions of the images of a kind: "single", "pair", "table" or "variety"."""
        return tuple(index for index, stored in enumerate(self.kinds) if stored == kind)

    def image(self, index: int) -> NDArray[np.uint8]:
        """(224,224,3) RGB pixels."""
        with Image.open(self.images[index]) as image:
            return np.asarray(image.convert("RGB"))

    def part_ids(self, index: int) -> NDArray[np.uint8]:
        """(224,224) id of the part seen at each pixel; 0 is the background."""
        with Image.open(self.masks[index]) as image:
            return np.asarray(image)

    def part_names(self, index: int) -> tuple[str, ...]:
        """Part names by id, e.g. ("background", "apple.body", "apple.stem", "distractor.0")."""
        return part_names(self.scenes[index])

    def mask(self, index: int, fruit: str | None = None) -> NDArray[np.bool_]:
        """(224,224) where a fruit is seen: the named one, else all of the image's fruits.

        Raises ValueError when the image has no such fruit.
        """
        wanted = self.classes[index] if fruit is None else (fruit,)
        unknown = set(wanted) - set(self.classes[index])
        if unknown:
            known = ", ".join(self.classes[index])
            raise ValueError(f"OrchardSplit.mask.fruit must be one of {known}, got {fruit!r}")
        ids = [
            part_id
            for part_id, name in enumerate(self.part_names(index))
            if name.split(".")[0] in wanted
        ]
        return np.isin(self.part_ids(index), ids)


def load_orchard(folder: str | Path = ORCHARD_FOLDER) -> OrchardSplit:
    """The test split as written by `generate`; raises FileNotFoundError with the remedy."""
    folder = Path(folder)
    table = folder / "labels.csv"
    if not table.exists():
        kind = next(
            (f" --kind {k}" for k, f in FOLDERS.items() if k != "fruits" and f == folder), ""
        )
        raise FileNotFoundError(f"{table} is missing: run `campare orchard generate{kind}`")
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    classes = tuple(tuple(row["classes"].split("+")) for row in rows)
    return OrchardSplit(
        folder=folder,
        images=tuple(folder / row["file"] for row in rows),
        masks=tuple(folder / row["mask"] for row in rows),
        kinds=tuple(row["kind"] for row in rows),
        classes=classes,
        labels=tuple(CLASSES.index(names[0]) for names in classes),
        levels=tuple(int(row["level"]) for row in rows),
        seeds=tuple(int(row["seed"]) for row in rows),
    )


def generate(
    folder: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    workers: int = 2,
    kind: str = "fruits",
    count: int | None = None,
) -> OrchardSplit:
    """Choose, draw and store a test split and its contact sheet; `progress(done, total)`.

    `kind` is one of FOLDERS, `count` the number of tables or varieties. The same scenes and pixels
    every time, on one machine. Takes some minutes.
    """
    from xai_core.orchard.rendering import render_many

    folder = FOLDERS[kind] if folder is None else Path(folder)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    scenes = _chosen(kind, count)
    total = len(scenes)
    report = None if progress is None else functools.partial(_report, progress, total)
    drawn = render_many(list(scenes.values()), IMAGE_SIZE, workers, 2, report)
    for name, rendering in zip(scenes, drawn, strict=True):
        Image.fromarray(rendering.image).save(
            folder / "images" / f"{name}.jpg", quality=_QUALITY[kind], subsampling=0, optimize=True
        )
        Image.fromarray(rendering.part_ids).save(folder / "masks" / f"{name}.png", optimize=True)
    stored = {name: scene.to_dict() for name, scene in scenes.items()}
    _write(folder / "scenes.json", json.dumps(stored, separators=(",", ":")))
    lines = [",".join(_COLUMNS)]
    for name, scene in scenes.items():
        classes = "+".join(scene.classes)
        paths = f"images/{name}.jpg,masks/{name}.png"
        lines.append(f"{paths},{scene.kind},{classes},{scene.level},{scene.seed}")
    _write(folder / "labels.csv", "\n".join(lines) + "\n")
    split = load_orchard(folder)
    contact_sheet(split)
    return split


def contact_sheet(
    split: OrchardSplit, indices: Sequence[int] | None = None, path: Path | None = None
) -> Path:
    """Draw 24 images (or the given ones; 18 of varieties) in rows of 6, with class and level;
    returns the path."""
    if indices is None and "variety" in split.kinds:
        indices = sorted(range(18), key=lambda index: split.labels[index])
    if indices is None and "table" in split.kinds:
        indices = range(min(24, len(split)))
    if indices is None:
        singles = split.indices("single")
        per_class = len(singles) // len(FRUITS)
        # two a class, the levels in turn
        indices = [
            singles[number * per_class + (2 * number + 11 * second) % per_class]
            for number, second in itertools.product(range(len(FRUITS)), range(2))
        ]
    columns, caption = 6, 18
    rows = -(-len(indices) // columns)
    cell = IMAGE_SIZE + caption
    sheet = Image.new("RGB", (columns * IMAGE_SIZE, rows * cell), "white")
    pen = ImageDraw.Draw(sheet)
    for place, index in enumerate(indices):
        x, y = place % columns * IMAGE_SIZE, place // columns * cell
        sheet.paste(Image.fromarray(split.image(index)), (x, y))
        text = f"{', '.join(split.classes[index])} (level {split.levels[index]})"
        pen.text((x + 4, y + IMAGE_SIZE + 3), text, fill="black")
    path = split.folder / "contact_sheet.jpg" if path is None else path
    sheet.save(path, quality=90)
    return path


def _test_scenes() -> dict[str, Scene]:
    """The scenes by file name: of each class and level the first seeds that show enough fruit."""
    scenes = {}
    for fruit, level in itertools.product(FRUITS, LEVELS):
        drawn = map(functools.partial(sample_scene, fruit, level), itertools.count())
        good = itertools.islice(filter(_is_visible, drawn), PER_CLASS_AND_LEVEL)
        for number, scene in enumerate(good):
            scenes[f"{fruit}-{level}-{number}"] = scene
    couples = list(itertools.combinations(FRUITS, 2))
    order = np.random.default_rng(60).permutation(len(couples))[:PAIRS]
    for number, couple in enumerate(order):
        first, second = couples[couple] if number % 2 else couples[couple][::-1]
        level = LEVELS[number % len(LEVELS)]
        drawn = map(functools.partial(sample_pair, first, second, level), itertools.count())
        scenes[f"pair-{number:02d}-{first}-{second}"] = next(filter(_is_visible, drawn))
    return scenes


def _chosen(kind: str, count: int | None) -> dict[str, Scene]:
    if kind == "fruits":
        return _test_scenes()
    if kind == "variety":
        return chosen_varieties(VARIETIES_STORED if count is None else count)
    return chosen_tables(TABLES if count is None else count)


def chosen_varieties(count: int) -> dict[str, Scene]:
    """Varieties by file name: kinds and levels in turn, so that 36 scenes have all of both."""
    scenes = {}
    for number in range(count):
        name, level = VARIETIES[number % len(VARIETIES)], LEVELS[number % len(LEVELS)]
        scenes[f"variety-{number:03d}-{name}"] = sample_variety(level, number, name)
    return scenes


def chosen_tables(count: int) -> dict[str, Scene]:
    """Tables by file name: of each level in turn the first seeds whose fruits have their size."""
    seeds = {level: itertools.count() for level in LEVELS}
    scenes = {}
    for number in range(count):
        level = LEVELS[number % len(LEVELS)]
        scene = next(filter(_has_sizes, map(functools.partial(sample_table, level), seeds[level])))
        scenes[f"table-{number:03d}-{scene.classes[0]}"] = scene
    return scenes


def _has_sizes(scene: Scene) -> bool:
    from xai_core.orchard.rendering import render

    small = render(scene, 112)
    low, high = AREAS
    return all(low <= small.mask(fruit.name).mean() <= high for fruit in scene.fruits)


def _is_visible(scene: Scene) -> bool:
    from xai_core.orchard.rendering import render

    small = render(scene, 64)
    return all(small.mask(fruit.name).mean() >= _LEAST_VISIBLE for fruit in scene.fruits)


def _report(progress: Callable[[int, int], None], total: int, done: int) -> None:
    progress(done, total)


def _write(path: Path, text: str) -> None:
    write_whole(path, text)
