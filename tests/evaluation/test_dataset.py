"""Datasets: folders as people have them, dealt out evenly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import picture
from tests.evaluation.conftest import write_pictures
from xai_core.evaluation.dataset import (
    BadMask,
    Item,
    dealt,
    framed_mask,
    load_dataset,
    load_folder,
)
from xai_core.images import BadImage, InputFormat, framed

CATEGORIES = ("Apple 10", "Corn Husk", "kiwi")


def save(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(seed).rgb).save(path)


def test_fruits_360_as_downloaded(tmp_path: Path) -> None:
    for seed, name in enumerate(("Apple 10", "Corn_Husk", "Kiwi")):
        save(tmp_path / "Training" / name / "0.jpg", seed)
        save(tmp_path / "Test" / name / "r_1 100.jpg", seed + 5)
    found = load_folder(tmp_path, CATEGORIES)
    assert [item.name for item in found.items] == [
        "Apple 10/r_1 100.jpg",
        "Corn_Husk/r_1 100.jpg",
        "Kiwi/r_1 100.jpg",
    ]
    assert [item.label for item in found.items] == [0, 1, 2]
    assert not found.has_masks


def test_a_flat_folder_and_unknown_classes(tmp_path: Path) -> None:
    save(tmp_path / "one.png", 0)
    save(tmp_path / "Ünbekannt" / "two.png", 1)
    found = load_folder(tmp_path, CATEGORIES)
    assert {item.name: item.label for item in found.items} == {
        "one.png": None,
        "Ünbekannt/two.png": None,
    }
    assert any(
        "name no class of the network" in note and "Ünbekannt" in note for note in found.notes
    )


def test_nothing_to_evaluate(tmp_path: Path) -> None:
    with pytest.raises(BadImage, match="no such folder"):
        load_dataset(tmp_path / "x", CATEGORIES)
    with pytest.raises(BadImage, match="no images"):
        load_dataset(tmp_path, CATEGORIES)


def test_every_beginning_is_balanced() -> None:
    items = [
        Item(f"{label}{level}{n}", Path(), label, level)
        for label in range(3)
        for level in range(2)
        for n in range(4)
    ]
    order = dealt(items)
    assert len(order) == 24
    assert {item.label for item in order[:3]} == {0, 1, 2}
    assert {(item.label, item.level) for item in order[:6]} == {
        (label, level) for label in range(3) for level in range(2)
    }
    assert dealt(order[::-1])[0].label == 0


def test_masks_are_framed_like_the_photo(tmp_path: Path) -> None:
    found = load_folder(write_pictures(tmp_path, 1), tuple("abcde"))
    photo = found.items[0].open()
    mask = found.items[0].mask(photo)
    assert mask is not None
    assert mask.sum() == 50 * 60
    form = InputFormat(size=48, resize=64)
    for framing in ("whole", "center_crop"):
        painted = photo.rgb * 0
        painted[mask] = 255
        seen = framed(painted, form, framing)[:, :, 0] > 127  # type: ignore[arg-type]
        ours = framed_mask(mask, form, framing)  # type: ignore[arg-type]
        assert (seen != ours).mean() < 0.03


def test_masks_that_cannot_be_used(tmp_path: Path) -> None:
    root = write_pictures(tmp_path, 2)
    (root / "masks" / "a" / "0.png").write_bytes(b"no mask")
    Image.fromarray(np.ones((5, 6), np.uint8)).save(root / "masks" / "b" / "1.png")
    items = load_folder(root, tuple("abcde")).items
    with pytest.raises(BadMask, match=r"0\.png: the mask is not a PNG"):
        items[0].mask(items[0].open())
    with pytest.raises(BadMask, match="the mask is 6 x 5 pixels, the image 120 x 96"):
        items[1].mask(items[1].open())


def test_orchard_is_ready_to_evaluate() -> None:
    found = load_dataset("orchard", ())
    assert len(found.items) == 240
    assert {item.label for item in found.items[:12]} == set(range(12))
    photo = found.items[7].open()
    mask = found.items[7].mask(photo)
    assert mask is not None
    assert 0.005 < mask.mean() < 0.9
