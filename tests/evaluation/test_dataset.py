"""Datasets: folders as people have them, dealt out evenly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import picture
from tests.evaluation.conftest import write_pictures
from xai_core.evaluation.dataset import (
    Item,
    dealt,
    framed_mask,
    load_dataset,
    load_folder,
)
from xai_core.evaluation.masks import BadMask
from xai_core.images.reading import BadImage, InputFormat, framed

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
    assert any("name no class of the model" in note and "Ünbekannt" in note for note in found.notes)


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
    assert {item.level for item in order[:3]} == {0, 1}
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
    Image.fromarray(np.eye(5, 6, dtype=np.uint8)).save(root / "masks" / "b" / "1.png")
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


def test_folder_names_match_however_slashes_and_accents_are_spelt(tmp_path: Path) -> None:
    categories = ("AC/DC", "Wässermelöne", "sweet corn")
    for seed, name in enumerate(("ac_dc", "Wa\u0308ssermelo\u0308ne", "Sweet-Corn")):
        save(tmp_path / name / "0.png", seed)
    assert [item.label for item in load_folder(tmp_path, categories).items] == [0, 1, 2]


def labelled(root: Path, text: str | bytes) -> Path:
    for seed, name in enumerate(("a.png", "b.png", "c.png")):
        save(root / "photos" / name, seed)
    content = text.encode() if isinstance(text, str) else text
    (root / "labels.csv").write_bytes(content)
    return root


def test_labels_come_from_a_table(tmp_path: Path) -> None:
    text = "file,class_index,class_name\na.png,2,Kiwi\nphotos/b.png,0,apple 10\n"
    found = load_folder(labelled(tmp_path, text), CATEGORIES)
    assert {item.name: item.label for item in found.items} == {
        "photos/a.png": 2,
        "photos/b.png": 0,
        "photos/c.png": None,
    }
    assert found.notes == (
        "labels.csv: 2 of 2 rows name an image",
        "labels.csv: images without a row: 1 (photos/c.png)",
    )


def test_a_table_of_names_and_one_of_another_network(tmp_path: Path) -> None:
    text = '\ufefffile,class\na.png,CORN husk\nb.png,"plum, green"\n'
    found = load_folder(labelled(tmp_path, text), CATEGORIES)
    assert {item.name[7:]: item.label for item in found.items} == dict(zip(
        ("a.png", "b.png", "c.png"), (1, None, None), strict=True
    ))  # fmt: skip
    assert found.notes[2:] == (
        "lines of labels.csv that name no class of the model: 1 (the first: 'plum, green'); "
        "those images have no label",
    )
    text = "file,class_index,class_name\na.png,2,cock\n"
    assert load_folder(labelled(tmp_path, text), CATEGORIES).notes[2:] == (
        "classes that labels.csv and the model name differently: 1 (the first: 'cock' is "
        "'kiwi'); the class_index counts",
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "file,class_index\na.png,1\nb.png,27\n",
            ", line 3: class_index '27' is no class of the model, which has 0 to 2; are these "
            "labels for another model?",
        ),
        ("file,class_index\na.png,-1\n", ", line 2: class_index '-1' is no class of"),
        ("a.png,1\n", ": needs a column file and one of class_index, class_name, class, label"),
        (b"file,class\na.png,W\xe4\n", ": must be UTF-8 text"),
        (b"", ": needs a column file"),
    ],
)
def test_a_table_that_does_not_fit_is_said(
    tmp_path: Path, text: str | bytes, sentence: str
) -> None:
    with pytest.raises(BadImage) as caught:
        load_folder(labelled(tmp_path, text), CATEGORIES)
    assert str(caught.value).startswith(f"{tmp_path / 'labels.csv'}{sentence}")


def test_the_part_set_aside_is_evaluated(tmp_path: Path) -> None:
    for part in ("train", "val"):
        save(tmp_path / part / "kiwi" / f"{part}.png", len(part))
    assert [item.name for item in load_folder(tmp_path, CATEGORIES).items] == ["kiwi/val.png"]
