"""Boxes of COCO, VOC and YOLO become masks, of exactly their pixels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xai_core.evaluation.dataset import load_folder

FRUITS = ("apple", "pear")
APPLE = (slice(5, 15), slice(10, 30))  # rows, columns of a 40 x 20 image
PEAR = (slice(0, 4), slice(0, 8))


def pictures(root: Path, *names: str) -> None:
    for index, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((20, 40, 3), 40 * index, np.uint8)).save(root / name)


def coco(root: Path) -> None:
    pictures(root / "val2017", "one.png", "two.png", "three.png")
    boxes = [(1, 7, [10, 5, 20, 10]), (2, 7, [10, 5, 20, 10]), (2, 8, [0, 0, 8, 4])]
    content = {
        "images": [{"id": i, "file_name": f"{n}.png"} for i, n in ((1, "one"), (2, "two"))],
        "categories": [{"id": 7, "name": "Apple"}, {"id": 8, "name": "pear"}],
        "annotations": [{"image_id": i, "category_id": c, "bbox": b} for i, c, b in boxes],
    }
    (root / "annotations").mkdir()
    (root / "annotations" / "instances_val2017.json").write_text(json.dumps(content))


def voc(root: Path) -> None:
    pictures(root / "JPEGImages", "one.png", "two.png", "three.png")
    apple = "<object><name>apple</name><bndbox><xmin>11</xmin><ymin>6</ymin><xmax>30</xmax>"
    apple += "<ymax>15</ymax></bndbox></object>"
    pear = "<object><name>pear</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>8</xmax>"
    pear += "<ymax>4</ymax></bndbox></object>"
    (root / "Annotations").mkdir()
    for name, things in {"one": apple, "two": apple + pear}.items():
        text = f"<annotation><filename>{name}.png</filename>{things}</annotation>"
        (root / "Annotations" / f"{name}.xml").write_text(text)


def yolo(root: Path) -> None:
    pictures(root / "images" / "val", "one.png", "two.png", "three.png")
    apple, pear = "3 0.5 0.5 0.5 0.5", "4 0.1 0.1 0.2 0.2"
    (root / "labels" / "val").mkdir(parents=True)
    (root / "labels" / "val" / "one.txt").write_text(f"{apple}\n")
    (root / "labels" / "val" / "two.txt").write_text(f"{apple}\n{pear}\n")
    (root / "data.yaml").write_text("nc: 2\nnames:\n  3: apple\n  4: 'pear'\n")


@pytest.mark.parametrize("write", [coco, voc, yolo])
def test_boxes_mark_their_pixels_and_label_an_image_of_one_class(write, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    write(tmp_path)
    found = load_folder(tmp_path, FRUITS)
    items = {Path(item.name).stem: item for item in found.items}
    assert {name: item.label for name, item in items.items()} == {
        "one": 0, "two": None, "three": None,
    }  # fmt: skip
    apple = np.zeros((20, 40), dtype=bool)
    apple[APPLE] = True
    pear = np.zeros_like(apple)
    pear[PEAR] = True
    masks = {name: item.mask(item.open()) for name, item in items.items()}
    assert np.array_equal(masks["one"], apple)
    assert np.array_equal(masks["two"], apple | pear)
    assert masks["three"] is None
    assert found.has_masks
    kind = write.__name__.upper()
    assert f"masks are {kind} boxes, which hold background, too: 2 images" in found.notes


def test_a_known_label_chooses_its_own_boxes_and_masks_go_before_boxes(tmp_path: Path) -> None:
    coco(tmp_path)
    (tmp_path / "labels.csv").write_text("file,label\ntwo.png,pear\n")
    items = {Path(i.name).stem: i for i in load_folder(tmp_path, FRUITS).items}
    mask = items["two"].mask(items["two"].open())
    assert mask is not None
    assert mask[PEAR].all()
    assert mask.sum() == 4 * 8
    (tmp_path / "masks").mkdir()
    Image.fromarray(np.eye(20, 40, dtype=np.uint8)).save(tmp_path / "masks" / "two.png")
    items = {Path(i.name).stem: i for i in load_folder(tmp_path, FRUITS).items}
    mask = items["two"].mask(items["two"].open())
    assert mask is not None
    assert mask.sum() == 20


def test_a_damaged_annotation_is_said_and_the_images_stay(tmp_path: Path) -> None:
    pictures(tmp_path, "one.png")
    (tmp_path / "annotations.json").write_text('{"images": [], "annotations": [{"bbox": 3}')
    (tmp_path / "one.xml").write_text("<annotation><object></annotation>")
    (tmp_path / "readme.txt").write_text("1 2 3 4 5 6\n")
    found = load_folder(tmp_path, FRUITS)
    assert len(found.items) == 1
    assert not found.has_masks
    assert "annotation files that cannot be read were passed over" in found.notes
