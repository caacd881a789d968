"""Folders of images to train on: split by class, parts as given, what cannot be used is said."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.conftest import write_colours
from xai_core.evaluation.dataset import load_folder
from xai_core.images.reading import BadImage
from xai_core.orchard.rendering import render
from xai_core.orchard.sampling import sample_scene
from xai_core.training.examples import read_folder, split_folder

COLOURS = {"lime": (20, 200, 20), "plum": (120, 10, 120)}
FRUITS = {"Apple Red 1": "apple", "Corn 2": "corn"}


@pytest.fixture(scope="session")
def fruits_360(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layout as it comes out of the archive: a folder around it, parts, other files.

    Each fruit is drawn once on white at 100 x 100 px and turned, as in Fruits 360.
    """
    root = tmp_path_factory.mktemp("downloads") / "fruits-360_100x100" / "fruits-360"
    for name, fruit in FRUITS.items():
        drawn = render(sample_scene(fruit, 1, 31), 100)
        pixels = np.where(drawn.mask(fruit)[:, :, None], drawn.image, 255).astype(np.uint8)
        for turn, part in enumerate(("Training", "Training", "Training", "Test")):
            (root / part / name).mkdir(parents=True, exist_ok=True)
            file = root / part / name / f"r_{turn}_100.jpg"
            Image.fromarray(np.rot90(pixels, turn)).save(file, quality=95)
    (root / "papers").mkdir()
    (root / "LICENSE").write_text("CC BY-SA 4.0")
    return root


@pytest.mark.parametrize("above", [False, True])
def test_fruits_360_is_trained_on_as_downloaded(fruits_360: Path, above: bool) -> None:
    folder = fruits_360.parent if above else fruits_360
    training, validation, categories, broken = split_folder(folder, 100, 0.2, 0)
    assert categories == ("Apple Red 1", "Corn 2")
    assert broken == ()
    assert torch.bincount(training.labels).tolist() == [3, 3]
    assert torch.bincount(validation.labels).tolist() == [1, 1]
    corn = validation.read(1)
    assert corn.shape == (3, 100, 100)
    assert (corn[:, [0, 0, -1, -1], [0, -1, 0, -1]] > 250).all()  # white corners
    seen = corn[:, (corn < 240).any(dim=0)].float().mean(dim=1)
    assert seen[0] > seen[2] + 40  # and yellow corn
    found = load_folder(folder, categories)
    assert [(item.name, item.label) for item in found.items] == [
        ("Apple Red 1/r_3_100.jpg", 0),
        ("Corn 2/r_3_100.jpg", 1),
    ]
    assert found.name == "fruits-360"


def test_a_folder_is_split_by_class_and_seed(tmp_path: Path) -> None:
    write_colours(tmp_path, COLOURS, 10)
    training, validation, categories, broken = split_folder(tmp_path, 24, 0.2, 0)
    assert categories == ("lime", "plum")
    assert broken == ()
    assert torch.bincount(training.labels).tolist() == [8, 8]
    assert torch.bincount(validation.labels).tolist() == [2, 2]
    everything = {
        (label, tuple(data.read(i).flatten().tolist()))
        for data in (training, validation)
        for i, label in enumerate(data.labels.tolist())
    }
    assert len(everything) == 20  # no image is in both
    again = split_folder(tmp_path, 24, 0.2, 0)[1]
    assert all(torch.equal(again.read(i), validation.read(i)) for i in range(4))


def test_given_parts_are_used_and_broken_pictures_named(tmp_path: Path) -> None:
    write_colours(tmp_path / "Training", COLOURS, 3)
    write_colours(tmp_path / "Test", COLOURS, 2)
    (tmp_path / "Test" / "plum" / "bad.png").write_bytes(b"bad")
    training, validation, categories, broken = split_folder(tmp_path, 24, 0.5, 0)
    assert (len(training.labels), len(validation.labels)) == (6, 4)
    assert categories == ("lime", "plum")
    assert len(broken) == 1
    assert "bad.png: not an image" in broken[0]


def empty_class(root: Path) -> None:
    (root / "Ümlaut class").mkdir()


def one_class(root: Path) -> None:
    shutil.rmtree(root / "plum")


def broken_class(root: Path) -> None:
    for file in (root / "plum").iterdir():
        file.write_bytes(b"\xff\xd8 half of an image")


def no_class(root: Path) -> None:
    for name in COLOURS:
        shutil.rmtree(root / name)


def one_picture(root: Path) -> None:
    for file in sorted((root / "lime").iterdir())[1:]:
        file.unlink()


def equal_names(root: Path) -> None:
    shutil.copytree(root / "plum", root / "Plum")


def other_validation(root: Path) -> None:
    write_colours(root / "Training", COLOURS, 2)
    write_colours(root / "Test", {"pear": (9, 99, 9)}, 2)


BAD_FOLDERS: dict[Callable[[Path], None], str] = {
    empty_class: "{root}/Ümlaut class: this class has no image that can be read; fill or remove it",
    one_class: "{root}: has the one class 'lime'; training needs two or more",
    broken_class: "{root}/plum: this class has no image that can be read; fill or remove it",
    no_class: "{root}: needs one folder of images for each class",
    one_picture: "{root}: class 'lime' has one image; two are needed, one of them for validation",
    equal_names: "{root}: the class folders 'Plum' and 'plum' differ in case or separators only",
    other_validation: "{root}/Test: the folder 'pear' is none of the classes in training",
    shutil.rmtree: "{root}: no such folder",
}


@pytest.mark.parametrize("spoil", BAD_FOLDERS, ids=lambda spoil: spoil.__name__)
def test_a_folder_that_cannot_be_trained_on_is_said_in_one_sentence(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    root = tmp_path / "pictures"
    write_colours(root, COLOURS, 3)
    spoil(root)
    with pytest.raises(BadImage) as caught:
        split_folder(root, 24, 0.2, 0)
    assert str(caught.value) == BAD_FOLDERS[spoil].format(root=root)


def test_masks_are_no_class(tmp_path: Path) -> None:
    write_colours(tmp_path, COLOURS, 2)
    write_colours(tmp_path / "masks", COLOURS, 2)
    assert read_folder(tmp_path).categories == ("lime", "plum")


def test_class_names_keep_spaces_and_other_letters(tmp_path: Path) -> None:
    names = ("Ananas comosus", "Wässermelöne", "茶 (green)", "a&b <i>")
    write_colours(tmp_path, dict.fromkeys(names, (1, 2, 3)), 2)
    assert set(split_folder(tmp_path, 24, 0.5, 0)[2]) == set(names)
