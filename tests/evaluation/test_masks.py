"""Mask files as people bring them: what is the object, and what is said instead of guessed."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conftest import picture
from xai_core.evaluation.dataset import Reading, load_folder
from xai_core.evaluation.masks import BadMask, MaskValue, read_mask

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "make.py"
SQUARE = np.zeros((90, 90), dtype=bool)
SQUARE[30:60, 30:60] = True
BORDER = np.zeros_like(SQUARE)
BORDER[28:30, 28:62] = True
SHARE = 1 / 9


def with_palette(indices: np.ndarray, *colours: int) -> Image.Image:
    image = Image.fromarray(indices.astype(np.uint8)).convert("L")
    made = Image.frombytes("P", image.size, image.tobytes())
    made.putpalette([*colours, *[200, 220, 190] * (256 - len(colours) // 3)])
    return made


def grey(*, inside: int = 255, outside: int = 0) -> np.ndarray:
    return np.where(SQUARE, inside, outside).astype(np.uint8)


OPAQUE = np.full_like(grey(), 255)
CLEAR: dict[str, Any] = {
    "two grey values": Image.fromarray(grey()),
    "zeros and ones": Image.fromarray(grey(inside=1)),
    "one bit": Image.fromarray(SQUARE),
    "16 bits": Image.fromarray(grey().astype(np.uint16) * 257),
    "rgb": Image.fromarray(np.dstack([grey()] * 3)),
    "red on black": Image.fromarray(np.dstack([grey(), 0 * OPAQUE, 0 * OPAQUE])),
    "opaque rgba": Image.fromarray(np.dstack([grey()] * 3 + [OPAQUE])),
    "opaque la": Image.fromarray(np.dstack([grey(), OPAQUE]), "LA"),
    "palette": with_palette(SQUARE, 0, 0, 0, 128, 0, 0),
    "palette with void": with_palette(np.where(BORDER, 255, SQUARE), 0, 0, 0, 128, 0, 0),
    "white first in the palette": with_palette(~SQUARE, 255, 255, 255, 0, 0, 0),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", CLEAR)
def test_two_values_mark_the_object_however_they_are_stored(kind: str, tmp_path: Path) -> None:
    CLEAR[kind].save(tmp_path / "a.png")
    assert np.array_equal(read_mask(tmp_path / "a.png"), SQUARE)


def test_a_jpeg_near_black_and_white_is_cut_in_the_middle(tmp_path: Path) -> None:
    Image.fromarray(grey()).save(tmp_path / "a.jpg", quality=75)
    mask = read_mask(tmp_path / "a.jpg")
    assert (mask != SQUARE).mean() < 0.002
    ramp = np.linspace(0, 255, 8100).reshape(90, 90).astype(np.uint8)
    Image.fromarray(ramp).save(tmp_path / "b.jpg")
    with pytest.raises(BadMask, match=r"b.jpg: the mask has the values .* which are the object"):
        read_mask(tmp_path / "b.jpg")


UNCLEAR = {
    "the mask has the values 1, 2, 3; which are the object? --mask-value says it": (
        np.where(BORDER, 3, grey(inside=1, outside=2))
    ),
    "the mask has the values 0, 128, 255; which are": np.where(BORDER, 128, grey()),
    "the mask has the values 1, 2; which are": grey(inside=1, outside=2),
    "the mask marks the whole image; its values are 255 (transparency is ignored)": OPAQUE,
    "the mask marks nothing; its values are 0 (transparency is ignored)": 0 * OPAQUE,
}


@pytest.mark.parametrize("sentence", UNCLEAR)
def test_what_would_be_a_guess_is_said(sentence: str, tmp_path: Path) -> None:
    Image.fromarray(UNCLEAR[sentence].astype(np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(BadMask, match=re.escape(f"a.png: {sentence}")):
        read_mask(tmp_path / "a.png")


def test_the_value_of_the_object_can_be_chosen(tmp_path: Path) -> None:
    trimap = np.where(BORDER, 3, grey(inside=1, outside=2)).astype(np.uint8)
    Image.fromarray(trimap).save(tmp_path / "a.png")
    chosen = {"1": SQUARE, "1,3": SQUARE | BORDER, "2-3": ~SQUARE, " 1 , 3-9 ": SQUARE | BORDER}
    for text, expected in chosen.items():
        assert np.array_equal(read_mask(tmp_path / "a.png", MaskValue.parse(text)), expected)
    with pytest.raises(BadMask, match=r"marks nothing; its values are 1, 2, 3"):
        read_mask(tmp_path / "a.png", MaskValue.parse("7"))
    for text in ("", "x", "1-2-3", "3-1", "1,,2"):
        with pytest.raises(ValueError, match="spell it 1, or 1,3, or 128-255"):
            MaskValue.parse(text)


def test_masks_are_found_in_any_case_with_endings_beside_the_image_and_counted(
    tmp_path: Path,
) -> None:
    pixels = picture(0, 90, 90).rgb
    names = ("a/One.png", "b/two.jpg", "b/three.png", "b/four.png")
    masks = ("Masks/a/one_MASK.PNG", "Masks/two.png", "b/three_mask.png", "Masks/b/stray.png")
    for name in (*names, *masks):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(grey() if name in masks else pixels).save(tmp_path / name)
    found = load_folder(tmp_path, ("a", "b"))
    assert {item.name: item.read_mask is not None for item in found.items} == {
        "a/One.png": True, "b/two.jpg": True, "b/three.png": True, "b/four.png": False,
    }  # fmt: skip
    assert found.notes == (
        "masks: 3 of 4 images have one",
        "masks without an image: 1 (the first: stray.png)",
    )
    for item in found.items:
        mask = item.mask(item.open())
        assert mask is None or np.array_equal(mask, SQUARE)


RIGHT = {"trimap": None, "all_white": None, "inverted_size": None}


def test_the_cases_at_hand_have_the_share_that_their_index_says(tmp_path: Path) -> None:
    if not CASES.is_file():
        pytest.skip("no ../shared/cases/make.py: those inputs are made elsewhere")
    code = (
        f"import sys, csv; sys.path.insert(0, {str(CASES.parent)!r}); import make\n"
        "from pathlib import Path\n"
        f"root = Path({str(tmp_path)!r}); make.make_masks(root / 'masks')\n"
        "csv.writer((root / 'index.csv').open('w')).writerows(make.ROWS)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    with (tmp_path / "index.csv").open() as file:
        rows = list(csv.reader(file))
    assert len(rows) >= 10
    for path, what, _ in rows:
        kind = what.removeprefix("mask: ")
        (item,) = load_folder(Path(path).parents[2], ("thing",)).items
        photo = item.open()
        if kind in RIGHT:
            with pytest.raises(BadMask):
                item.mask(photo)
            continue
        mask = item.mask(photo)
        assert mask is not None
        assert mask.mean() == pytest.approx(SHARE, abs=0.002), kind
    reading = Reading(mask_value=MaskValue.parse("1"))
    (item,) = load_folder(tmp_path / "masks" / "trimap", ("thing",), reading).items
    mask = item.mask(item.open())
    assert mask is not None
    assert mask.mean() == pytest.approx(SHARE, abs=1e-9)
