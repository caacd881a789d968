"""Exports open in other programs and hold what the page shows."""

import io
import json
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
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
        picture="x",
        network="tiny",
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


def test_png_has_print_resolution(seen: Evidence, chosen: choices.Choices) -> None:
    picture = Image.open(io.BytesIO(exports.figure(seen, chosen, "png")))
    assert picture.width == pytest.approx(3 * exports.MEASURED_INCHES * 300, abs=2)


def test_svg_parses_and_pdf_has_a_page(seen: Evidence, chosen: choices.Choices) -> None:
    root = ET.fromstring(exports.figure(seen, chosen, "svg"))
    assert root.tag.endswith("svg")
    pdf = exports.figure(seen, chosen, "pdf")
    assert pdf.startswith(b"%PDF")
    assert b"/Type /Page" in pdf


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
