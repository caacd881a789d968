"""Exports open in other programs and hold what the page shows."""

import io
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from compare import asked
from frame import exports
from frame.evidence import Cell, Evidence
from PIL import Image
from state import choices

from xai_core.images.reading import Photo

FORM = (
    ("size", 64),
    ("resize", 72),
    ("mean", (0.5, 0.5, 0.5)),
    ("std", (0.2, 0.2, 0.2)),
)


@pytest.fixture
def seen(photos: list[Photo]) -> Evidence:
    random = np.random.default_rng(0)
    cells = [
        Cell(
            method, target, random.normal(size=(64, 64)).astype(np.float32), 0.1, {"deletion": 0.5}
        )
        for target in (1, 0)
        for method in ("cam", "secam")
    ]
    return Evidence(
        photos[0], "a", "tiny", FORM, ("a", "b_$"), (0.3, 0.7), (1, 0), tuple(cells), stored=False
    )


@pytest.fixture
def chosen() -> choices.Choices:
    return choices.Choices(
        image="x",
        model="tiny",
        methods=("cam", "secam"),
        classes="2",
        named=(),
        opacity=0.6,
        view="overlay",
        framing="whole",
        threshold=0.8,
        segments=50,
        compactness=10.0,
    )


@pytest.mark.parametrize(
    ("image", "model", "stem"),
    [
        ("apple-1-0", "orchard", "apple-1-0-orchard"),
        ("my photo (2).JPG", "/home/x/net v2.pt", "my-photo-2-net-v2"),
        ("ä/漢字.png", "", "漢字"),
        ("..", "", "comparison"),
    ],
)
def test_a_figure_is_named_after_image_and_model(
    seen: Evidence, image: str, model: str, stem: str
) -> None:
    photo = replace(seen.photo, name=image)
    assert exports.file_stem(replace(seen, photo=photo, model=model)) == stem


def test_a_figure_without_a_background_lets_through_what_is_behind(
    seen: Evidence, chosen: choices.Choices
) -> None:
    for is_transparent, alpha in ((True, 0), (False, 255)):
        form = exports.Form("column", is_transparent=is_transparent)
        content = exports.figure(seen, chosen, form, (), "png")
        corner = Image.open(io.BytesIO(content)).convert("RGBA").getpixel((0, 0))
        assert corner[3] == alpha  # type: ignore[index]


SVG = "{http://www.w3.org/2000/svg}"


def texts(content: bytes) -> list[str]:
    """The words of an SVG, which are text and no outlines."""
    return ["".join(text.itertext()).strip() for text in ET.fromstring(content).iter(f"{SVG}text")]


@pytest.mark.parametrize(("width", "cm"), [("column", 8.5), ("page", 17.5), ("slide", 30.48)])
def test_a_figure_is_as_wide_as_it_says(
    seen: Evidence, chosen: choices.Choices, width: str, cm: float
) -> None:
    form = exports.Form(width)
    picture = Image.open(io.BytesIO(exports.figure(seen, chosen, form, (), "png")))
    assert picture.width / 300 * 2.54 == pytest.approx(cm, abs=0.02)
    svg = exports.figure(seen, chosen, form, (), "svg")
    assert float(ET.fromstring(svg).attrib["width"].removesuffix("pt")) / 72 * 2.54 == (
        pytest.approx(cm, abs=0.01)
    )
    assert asked.WIDTHS_CM[width] == cm


def test_titles_stand_once_and_every_line_has_its_class(
    seen: Evidence, chosen: choices.Choices
) -> None:
    words = texts(exports.figure(seen, chosen, exports.Form(), (), "svg"))
    assert [words.count(title) for title in ("Image", "CAM", "SeCAM")] == [1, 1, 1]
    assert [words.count(label) for label in ("b_$ 70.0 %", "a 30.0 %")] == [1, 1]
    assert {"contradicts", "supports the class"} <= set(words)  # the colour bar
    assert not any("Deletion" in word for word in words)
    scored = texts(exports.figure(seen, chosen, exports.Form("page", True), (), "svg"))
    assert scored.count("Deletion 0.500") == 4
    pdf = exports.figure(seen, chosen, exports.Form(), (), "pdf")
    assert b"/Type3" not in pdf
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 1


def test_many_methods_make_blocks_each_with_its_titles(
    seen: Evidence, chosen: choices.Choices
) -> None:
    methods = ("cam", "secam", "lime", "rise")
    cells = [Cell(m, t, seen.cells[0].map) for t in (1, 0) for m in methods]
    many = replace(seen, cells=tuple(cells))
    wide = replace(chosen, methods=methods)
    lines = exports.lines_of([many], wide, exports.Form("column"))
    assert [len(line.heatmaps) for line in lines] == [2] * 4
    assert [line.has_titles for line in lines] == [True, False, True, False]
    assert len(exports.lines_of([many], wide, exports.Form("page"))) == 2


def test_what_is_still_computed_is_pale_and_said(seen: Evidence, chosen: choices.Choices) -> None:
    cells = [replace(cell, map=None) if cell.method == "secam" else cell for cell in seen.cells]
    part = replace(seen, cells=tuple(cells))
    words = texts(exports.figure(part, chosen, exports.Form(), (), "svg"))
    assert words.count("computing") == 2
    assert exports.caption(part, chosen, exports.Form()).endswith("Not computed yet: SeCAM.")
    assert "Not computed" not in exports.caption(seen, chosen, exports.Form())


def test_two_models_have_a_line_each(seen: Evidence, chosen: choices.Choices) -> None:
    other = replace(seen, model="tiny_2", probabilities=(0.9, 0.1))
    words = texts(exports.figure(seen, chosen, exports.Form(), (other,), "svg"))
    assert words.count("tiny") == 2
    assert words.count("tiny_2") == 2
    assert "b_$ 10.0 %" in words
    said = exports.caption(seen, chosen, exports.Form(), (other,))
    assert (
        "for the model tiny and the model tiny_2; explained: b_$ (70.0 %) and a (30.0 %)." in said
    )


def test_raw_maps_come_back_signed_and_unscaled(seen: Evidence, chosen: choices.Choices) -> None:
    stored = np.load(io.BytesIO(exports.raw_maps(seen, chosen)))
    assert stored["maps"].shape == (2, 2, 64, 64)
    np.testing.assert_array_equal(stored["maps"][1, 0], seen.cell("secam", 1).map)
    described = json.loads(str(stored["description"]))
    assert described["methods"] == ["cam", "secam"]
    assert described["classes"] == ["b_$", "a"]


def test_latex_table_escapes_and_keeps_three_digits(seen: Evidence) -> None:
    table = exports.score_table(seen)
    assert [row["Deletion ↓"] for row in table] == [0.5] * 4
    text = exports.latex(table).decode()
    assert r"b\_\$" in text
    assert r"Deletion $\downarrow$" in text
    assert "0.500" in text
    assert text.count(r"\\") == 5
    assert r"\toprule" in text


def test_latex_marks_missing_values() -> None:
    assert "--" in exports.latex(pd.DataFrame({"Score": [0.5, None]})).decode()
