"""Charts can be seen in both themes."""

import pytest
from drawing import charts

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
