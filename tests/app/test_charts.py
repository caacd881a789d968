"""Charts and tables can be read: in both themes, and with their colours and digits."""

import colorsys
import re
from typing import Literal

import numpy as np
import pandas as pd
import pytest
from drawing import charts, curve_charts
from frame import display

PAGES = {"light": "#ffffff", "dark": "#171614"}


def luminance(colour: str) -> float:
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", PAGES)
@pytest.mark.parametrize(
    "colour", [*charts.COLOURS, charts.ACCENT, charts.WARM, charts.MUTED, charts.TRUE]
)
def test_a_mark_stands_out_from_the_page(colour: str, theme: str) -> None:
    """WCAG 2.1, 1.4.11: graphics that carry meaning need a contrast of 3 to 1."""
    ends = sorted((luminance(colour), luminance(PAGES[theme])))
    assert (ends[1] + 0.05) / (ends[0] + 0.05) >= 3


def test_curves_are_named_at_their_ends_in_their_order() -> None:
    rows = pd.DataFrame(
        [{"method": m, "curve": "lerf", "fraction": x, "mean": y, "low": y - 0.1, "high": y + 0.1}
         for m, level in (("a", 0.2), ("b", 0.8))
         for x, y in ((0.0, 0.9), (0.8, level), (1.0, 0.1))]
    )  # fmt: skip
    names = curve_charts.draw_curves(rows, {"a": "A", "b": "B"}, "probability").data[-1]
    assert dict(zip(names.text, names.y, strict=True)) == {"A": 0.2, "B": 0.8}
    assert min(names.x) > 1.0  # where no curve has a point


def test_cells_that_say_nothing_are_the_page_itself() -> None:
    """A transparent middle is dark on a dark page and white on a white one."""
    for scale in (charts.DIVERGING, charts.RISING):
        pale = min(float(colour.rstrip(")").split(",")[-1]) for _, colour in scale)
        assert pale < 0.1


def hue_of(colour: str) -> str:
    *rgb, opacity = (float(part) for part in colour.removeprefix("rgba(").rstrip(")").split(","))
    if opacity < 0.1:
        return "pale"
    hue = 360 * colorsys.rgb_to_hsv(*(each / 255 for each in rgb))[0]
    return next(name for name, most in (("red", 18), ("orange", 40), ("blue", 240)) if hue <= most)


@pytest.mark.parametrize("low", [-1, 0])
def test_a_matrix_tells_what_its_colours_mean(low: Literal[-1, 0]) -> None:
    chart = charts.draw_matrix(np.eye(2), ["A", "B"], low, "Alike")
    (trace,) = chart.data
    said = ", ".join(
        f"{hue_of(colour)}: {trace.zmin + share * (trace.zmax - trace.zmin):.0f}"
        for share, colour in trace.colorscale
    )
    assert chart.layout.title.subtitle.text == said


def test_numbers_of_a_table_stand_to_the_right_in_their_columns() -> None:
    rows = [
        {"Method": "CAM", "Score": 0.25, "Passes": np.int64(1), "Signed": True, "None": None},
        {"Method": "LIME", "Score": None, "Passes": np.int64(500), "Signed": False, "None": None},
    ]
    html = display._typeset(rows, "a table")
    heads = re.findall(r"<th scope='col' class='(\w*)'>(\w+)", html)
    assert heads == [
        ("", "Method"), ("number", "Score"), ("number", "Passes"), ("", "Signed"), ("", "None")
    ]  # fmt: skip
    cells = re.findall(r"<td class='(\w*)'>([^<]*)", html)
    assert [text for kind, text in cells if kind == "number"] == ["0.250", "1", "–", "500"]
    assert [text for kind, text in cells if not kind] == ["CAM", "yes", "–", "LIME", "no", "–"]
