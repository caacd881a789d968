"""Image sets of the benchmarks: scenes drawn again, pairs, mosaics, scenes with stickers."""

from __future__ import annotations

import functools
import io
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from xai_core.evaluation.dataset import Dataset, Item
from xai_core.files import write_whole
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.orchard.dataset import IMAGE_SIZE, OrchardSplit, chosen_tables, chosen_varieties
from xai_core.orchard.redrawing import draw_ahead, redrawn
from xai_core.orchard.scene import Scene
from xai_core.orchard.shortcut import StickeredPicture
from xai_core.orchard.shot import Shot

SURE = 0.9
"""Smallest probability of the right class for an image to enter a mosaic."""
_CELLS = tuple(itertools.product((0, 1), (0, 1)))


def drawn_anew(dataset: Dataset, folder: Path, workers: int = 1) -> Dataset:
    """The same scenes as the benchmarks draw them, written to `folder`: what a map explains is then
    exactly what is compared with the edited scenes. The mask is the first fruit's.

    Raises ValueError for an item that is no drawn scene.
    """
    shots = [shot_of(item) for item in dataset.items]
    draw_ahead(shots, workers)

    def item(stored: Item, shot: Shot) -> Item:
        path = written(redrawn(shot).image, folder / f"{stored.name}.png")
        fruit = shot.scene.fruits[0].name
        mask = functools.partial(_mask_of, shot, fruit)
        return replace(stored, path=path, read_mask=mask, read_shot=lambda: shot)

    pairs = zip(dataset.items, shots, strict=True)
    return replace(dataset, items=tuple(item(stored, shot) for stored, shot in pairs))


def shot_of(item: Item) -> Shot:
    """How the image of an item is drawn; raises ValueError where it is no drawn scene."""
    if item.read_shot is None:
        raise ValueError(f"{item.name}: is no drawn scene, so it cannot be drawn again")
    return item.read_shot()


def _mask_of(shot: Shot, name: str) -> NDArray[np.bool_]:
    return redrawn(shot).mask(name)


def pairs_dataset(split: OrchardSplit, categories: Sequence[str]) -> Dataset:
    """The test scenes with two fruits; label and mask are the first fruit's."""

    def item(index: int) -> Item:
        first, path = split.classes[index][0], split.images[index]
        return Item(
            path.stem,
            path,
            list(categories).index(first),
            split.levels[index],
            lambda: split.mask(index, first),
            lambda: Shot(split.scenes[index], split.side),
        )

    known = [i for i in split.indices("pair") if set(split.classes[i]) <= set(categories)]
    return Dataset("orchard_pairs", tuple(item(index) for index in known))


def tables_dataset(
    categories: Sequence[str], count: int, side: int = IMAGE_SIZE, name: str = "orchard_tables"
) -> Dataset:
    """The test tables whose fruits are all known, to be drawn; label and mask are the first's."""
    return _to_be_drawn(name, chosen_tables(count), categories, side)


def varieties_dataset(
    categories: Sequence[str], count: int, side: int = IMAGE_SIZE, name: str = "orchard_varieties"
) -> Dataset:
    """The test varieties that are known, to be drawn, with the gourd's mask."""
    return _to_be_drawn(name, chosen_varieties(count), categories, side)


def _to_be_drawn(
    name: str, scenes: Mapping[str, Scene], categories: Sequence[str], side: int
) -> Dataset:
    def item(stem: str, scene: Scene) -> Item:
        shot = Shot(scene, side)
        label = list(categories).index(scene.classes[0])
        mask = functools.partial(_mask_of, shot, scene.fruits[0].name)
        return Item(stem, Path(f"{stem}.png"), label, scene.level, mask, lambda: shot)

    items = [item(*pair) for pair in scenes.items() if set(pair[1].classes) <= set(categories)]
    return Dataset(name, tuple(items))


def stickered_dataset(
    pictures: Sequence[StickeredPicture], categories: Sequence[str], folder: Path
) -> Dataset:
    """Scenes with the sticker of their own class, written to `folder`; the mask is the sticker."""

    def item(picture: StickeredPicture) -> Item:
        shot = picture.own
        return Item(
            f"{picture.name}-sticker",
            written(redrawn(shot).image, folder / f"{picture.name}-sticker.png"),
            list(categories).index(picture.fruit),
            picture.level,
            lambda: redrawn(shot).mask("sticker"),
            lambda: shot,
        )

    return Dataset("orchard_stickers", tuple(item(picture) for picture in pictures))


def mosaics_dataset(
    split: OrchardSplit, classifier: Classifier, folder: Path, count: int, seed: int = 0
) -> Dataset:
    """Mosaics of 2 x 2 single-fruit images of four classes, written to `folder`.

    Each image is one that the model is sure of and right about; label and mask are those of
    one cell. Classes take turns as the target; cells and images are drawn by the seed.
    Raises ValueError where the model is sure of fewer than four classes.
    """
    sure = _sure_pictures(split, classifier)
    if len(sure) < len(_CELLS):
        raise ValueError(
            f"{classifier.name} is sure of images of {len(sure)} classes only; a mosaic needs "
            f"{len(_CELLS)}"
        )
    rng = np.random.default_rng(seed)
    stock = {name: itertools.cycle(rng.permutation(found)) for name, found in sure.items()}
    items = []
    for number, target in enumerate(itertools.islice(itertools.cycle(sure), count)):
        order = list(rng.choice([name for name in sure if name != target], 3, replace=False))
        cell = int(rng.integers(len(_CELLS)))
        order.insert(cell, target)
        tiles = [split.image(int(next(stock[name]))) for name in order]
        path = folder / f"mosaic-{number:02d}-{target}.png"
        read_mask = functools.partial(cell_mask, cell, len(tiles[0]))
        label = classifier.categories.index(target)
        items.append(Item(path.stem, written(mosaic(tiles), path), label, None, read_mask))
    return Dataset("orchard_mosaics", tuple(items))


def twice_as_large(classifier: Classifier) -> Classifier:
    """The same model for images of twice its side, as a mosaic of four whole images is."""
    form = replace(classifier.form, size=2 * classifier.form.size, resize=2 * classifier.form.size)
    return replace(classifier, form=form)


def mosaic(tiles: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Four images (S, S, 3) in reading order -> (2S, 2S, 3)."""
    rows = [np.concatenate(tiles[start : start + 2], axis=1) for start in (0, 2)]
    return np.concatenate(rows, axis=0)


def cell_mask(cell: int, side: int) -> NDArray[np.bool_]:
    """(2S, 2S): one cell of a mosaic, counted in reading order."""
    row, column = _CELLS[cell]
    mask = np.zeros((2 * side, 2 * side), dtype=np.bool_)
    mask[row * side : (row + 1) * side, column * side : (column + 1) * side] = True
    return mask


def written(rgb: NDArray[np.uint8], path: Path) -> Path:
    """An image as PNG at `path`, left alone where the same one is there already."""
    if not _shows(path, rgb):
        path.parent.mkdir(parents=True, exist_ok=True)
        saved = io.BytesIO()
        Image.fromarray(rgb).save(saved, "PNG", compress_level=6)
        write_whole(path, saved.getvalue())
    return path


def _shows(path: Path, rgb: NDArray[np.uint8]) -> bool:
    if not path.exists():
        return False
    with Image.open(path) as stored:
        return np.array_equal(np.asarray(stored), rgb)


def _sure_pictures(split: OrchardSplit, classifier: Classifier) -> dict[str, list[int]]:
    """Class -> the single-fruit images that the model is sure of and right about."""
    sure: dict[str, list[int]] = {}
    indices = [i for i in split.indices("single") if split.classes[i][0] in classifier.categories]
    for chunk in (indices[i : i + 16] for i in range(0, len(indices), 16)):
        images = torch.stack([classifier.prepare(split.image(index)) for index in chunk])
        probabilities = Batch(classifier, images, [str(index) for index in chunk]).probabilities
        for index, row in zip(chunk, probabilities, strict=True):
            fruit = split.classes[index][0]
            if float(row[classifier.categories.index(fruit)]) >= SURE:
                sure.setdefault(fruit, []).append(index)
    return dict(sorted(sure.items()))
