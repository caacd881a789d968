"""Labels as people keep them: tables of several layouts, ImageNet ids, numbers, names twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.models import ResNet50_Weights

from xai_core.evaluation.dataset import load_folder
from xai_core.images import imagenet_ids
from xai_core.images.class_names import ClassNames, numbered
from xai_core.images.image_files import find_images, passed_over
from xai_core.images.reading import open_image

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "make.py"
FRUITS = ("apple", "pear")
IMAGENET = tuple(ResNet50_Weights.IMAGENET1K_V2.meta["categories"])


def pictures(root: Path, *names: str) -> Path:
    random = np.random.default_rng(0)
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 255, (12, 12, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / name, "PNG")
    return root


def labels(root: Path, categories: tuple[str, ...] = FRUITS) -> dict[str, int | None]:
    return {item.name: item.label for item in load_folder(root, categories).items}


LAYOUTS = {
    "plain": "file,label\na.png,apple\nb.png,pear\nc.png,APPLE\nd.png,pear\n",
    "folders": "file,label\nimages/a.png,apple\nx/b.png,pear\n./c.png,apple\n/data/d.png,pear\n",
    "windows": "file,label\nC:\\data\\a.png,apple\nC:\\b.png,pear\nc.png,apple\n.\\d.png,pear\n",
    "no suffix": "file,label\na,apple\nb,pear\nc,apple\nd,pear\n",
    "other suffix": "file,label\na.jpg,apple\nb.jpg,pear\nc.JPEG,apple\nd.png,pear\n",
    "semicolon": "filename;label\na.png;apple\nb.png;pear\nc.png;apple\nd.png;pear\n",
    "tab": "Image\tClass\na.png\tapple\nb.png\tpear\nc.png\tapple\nd.png\tpear\n",
    "numbers": "file,label\na.png,0\nb.png,1\nc.png,0\nd.png,1\n",
    "Excel": "\ufeffFilename;Category\r\na.png;apple\r\nb.png;pear\r\nc.png;apple\r\nd.png;pear",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_table_labels_four_pictures_in_every_layout(layout: str, tmp_path: Path) -> None:
    pictures(tmp_path, "a.png", "b.png", "c.png", "d.png")
    (tmp_path / "Labels.csv").write_bytes(LAYOUTS[layout].encode())
    assert labels(tmp_path) == {"a.png": 0, "b.png": 1, "c.png": 0, "d.png": 1}
    assert load_folder(tmp_path, FRUITS).notes[0] == "Labels.csv: 4 of 4 rows name an image"


def test_what_is_double_missing_or_without_a_label_is_said(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png", "b.png", "c.png", "d.png")
    text = "file,label\na.png,apple\na.png,pear\nb.png,pear\nb.png,pear\ne.png,apple\n"
    (tmp_path / "labels.csv").write_text(text)
    assert labels(tmp_path) == {"a.png": None, "b.png": 1, "c.png": None, "d.png": None}
    assert load_folder(tmp_path, FRUITS).notes == (
        "labels.csv: 4 of 5 rows name an image",
        "labels.csv: rows without an image: 1 (e.png)",
        "labels.csv: images listed more than once: 2 (a.png 2 times with different classes, so "
        "it has no label, b.png 2 times)",
        "labels.csv: images without a row: 2 (c.png, d.png)",
    )


def test_the_path_goes_before_the_name_and_the_name_before_the_stem(tmp_path: Path) -> None:
    pictures(tmp_path, "x/a.png", "y/a.png", "b.png", "z/b.png", "c.png", "c.jpg", "d.png")
    rows = ["y/a.png,pear", "train/x/a.png,apple", "b.png,pear", "old/z/b.png,apple", "c,apple"]
    rows += ["elsewhere/d.png,apple", "d.jpg,pear"]
    (tmp_path / "labels.csv").write_text("\n".join(["file,label", *rows]))
    assert labels(tmp_path) == {
        "x/a.png": 0, "y/a.png": 1, "b.png": 1, "z/b.png": 0, "c.png": None, "c.jpg": None,
        "d.png": 0,
    }  # fmt: skip
    notes = load_folder(tmp_path, FRUITS).notes
    assert "labels.csv: rows without an image: 1 (d.jpg)" in notes
    assert "labels.csv: rows that fit several images, used for none: 1 (c)" in notes


def test_imagenet_ids_are_classes_by_the_mapping_beside_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imagenet_ids, "find_spec", lambda name: None)
    pictures(tmp_path, "n01514668/a.JPEG", "n02085620/n02085620_1.JPEG", "n09999999/b.png")
    assert set(labels(tmp_path, IMAGENET).values()) == {None}
    (note,) = [n for n in load_folder(tmp_path, IMAGENET).notes if "ImageNet ids" in n]
    assert "put LOC_synset_mapping.txt beside the images, or install timm" in note
    mapping = "n01514668 cock\nn02085620 Chihuahua\nn09999999 crane\n"
    (tmp_path / "LOC_synset_mapping.txt").write_text(mapping)
    found = load_folder(tmp_path, IMAGENET)
    assert {item.name.split("/")[0]: item.label for item in found.items} == {
        "n01514668": IMAGENET.index("cock"),
        "n02085620": IMAGENET.index("Chihuahua"),
        "n09999999": IMAGENET.index("crane"),
    }
    assert found.notes[0] == ("ImageNet ids matched to classes by LOC_synset_mapping.txt: 3 of 3")
    assert labels(tmp_path, ("Chihuahua", "cock"))["n01514668/a.JPEG"] == 1


def test_timm_has_the_ids_of_all_classes_in_order(tmp_path: Path) -> None:
    pytest.importorskip("timm", reason="the optional package timm is not installed")
    order, synonyms, _ = imagenet_ids._table(tmp_path)
    found = imagenet_ids.match_ids(order, IMAGENET, tmp_path).indices
    assert sorted(found.values()) == list(range(1000))
    agreeing = [name for name in order if IMAGENET[found[name]] in synonyms[name]]
    assert len(agreeing) >= 990
    assert IMAGENET[found["n01514668"]] == "cock"
    assert IMAGENET[found["n02085620"]] == "Chihuahua"
    assert IMAGENET[found["n03126707"]] == "crane"  # of two classes: the machine, not the bird


def test_a_thousand_ids_alone_count_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imagenet_ids, "find_spec", lambda name: None)
    ids = [f"n{number:08}" for number in range(5, 5005, 5)]
    found = imagenet_ids.match_ids(reversed(ids), IMAGENET, tmp_path)
    assert [found.indices[name] for name in ids] == list(range(1000))
    assert found.note == "the 1000 ImageNet ids are matched in their sorted order"


def test_validation_images_with_their_solution_have_labels_and_boxes(tmp_path: Path) -> None:
    place = tmp_path / "ILSVRC" / "Data" / "CLS-LOC" / "val"
    pictures(place, "ILSVRC2012_val_00000001.JPEG", "ILSVRC2012_val_00000002.JPEG")
    pictures(tmp_path / "ILSVRC" / "Data" / "CLS-LOC" / "train" / "n01514668", "x.JPEG")
    (tmp_path / "LOC_synset_mapping.txt").write_text("n01514668 cock\nn02085620 Chihuahua, dog\n")
    (tmp_path / "LOC_val_solution.csv").write_text(
        "ImageId,PredictionString\n"
        "ILSVRC2012_val_00000002,n02085620 2 3 5 6 n02085620 0 0 0 0 \n"
        "ILSVRC2012_val_00000001,n01514668 1 1 10 10 \n"
    )
    first, second = sorted(
        load_folder(tmp_path, ("cock", "Chihuahua")).items, key=lambda item: item.name
    )
    assert (first.label, second.label) == (0, 1)
    mask = second.mask(second.open())
    assert mask is not None
    assert mask.sum() == 4 * 4 + 1
    assert mask[3:7, 2:6].all()


def test_numbered_folders_are_class_indices(tmp_path: Path) -> None:
    pictures(tmp_path / "zero", "000/a.png", "001/b.png")
    assert labels(tmp_path / "zero") == {"000/a.png": 0, "001/b.png": 1}
    pictures(tmp_path / "one", "1/a.png", "2/b.png")
    assert labels(tmp_path / "one") == {"1/a.png": 0, "2/b.png": 1}
    notes = load_folder(tmp_path / "one", FRUITS).notes
    assert notes == ("numbered folders are taken as classes, counted from 1",)
    assert labels(tmp_path / "one", ("1", "10", "2")) == {"1/a.png": 0, "2/b.png": 2}
    assert labels(tmp_path / "one", tuple("abcde")) == {"1/a.png": 1, "2/b.png": 2}


def test_a_name_that_stands_twice_is_numbered_and_never_guessed(tmp_path: Path) -> None:
    twice = ("crane", "kite", "Crane")
    assert numbered(twice) == ("crane (1)", "kite", "Crane (2)")
    names = ClassNames(twice)
    assert names.chosen("KITE") == 1
    assert names.chosen("crane") == 0  # spelt exactly so by one of them
    assert names.chosen("crane (2)") == 2
    assert names.chosen("2") == 2
    with pytest.raises(ValueError, match=r"stands for 2 classes; name 'crane \(1\)' .number 0"):
        names.chosen("CRANE")
    pictures(tmp_path, "crane/a.png", "crane (2)/b.png", "kite/c.png")
    assert labels(tmp_path, twice) == {"crane/a.png": None, "crane (2)/b.png": 2, "kite/c.png": 1}
    assert any("names 2 classes" in note for note in load_folder(tmp_path, twice).notes)


def test_the_cases_at_hand_are_labelled_and_opened_as_their_index_says(tmp_path: Path) -> None:
    if not CASES.is_file():
        pytest.skip("no ../shared/cases/make.py: those inputs are made elsewhere")
    code = (
        f"import sys; sys.path.insert(0, {str(CASES.parent)!r}); import make\n"
        f"from pathlib import Path; root = Path({str(tmp_path)!r})\n"
        "make.make_labels(root / 'labels'); make.make_images(root / 'images')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    for root in sorted((tmp_path / "labels").iterdir()):
        if root.name == "imagenet_ids":
            pytest.importorskip("timm", reason="the optional package timm is not installed")
            named = {IMAGENET[label] for label in labels(root, IMAGENET).values() if label}
            assert named == {"cock", "Chihuahua"}
        else:
            given = [label for label in labels(root).values() if label is not None]
            assert len(given) == (1 if root.name == "doubled" else 4), root.name
    images = tmp_path / "images"
    assert passed_over(images) == "files passed over: 1 .jp2, 1 .svg (the first: photo.jp2)"
    opened = {path.relative_to(images).as_posix(): open_image(path) for path in find_images(images)}
    assert len(opened) == 13
    for name in ("xray12.png", "xray12.tif", "ct_float.tif"):
        assert opened[name].rgb.mean() == pytest.approx(127, abs=2)
        assert opened[name].note
