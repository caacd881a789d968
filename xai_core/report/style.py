"""Style: one look for every figure, its widths in centimetres, and its files."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.figure import Figure

CM_PER_INCH, DPI = 2.54, 300
KINDS = ("pdf", "svg", "png")
COLOURS = (
    "#1a6fc4", "#c8401c", "#2e7d32", "#9354b8", "#b07a00", "#00838f", "#d81b60", "#8d6e63",
)  # fmt: skip
MARKERS, DASHES = ("o", "s", "^", "D", "v", "P", "X", "<"), ("-", "--", "-.", ":")
"""What tells methods apart where hue does not."""
INK, MUTED, GRID = "#222222", "#7a7a7a", "#e3e3e3"
LETTER, LEAST_LETTERS = 0.52, 8
"""A letter's mean width in its own size; no line is broken into shorter ones."""
OTHER_SCRIPTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Zen Hei", "Arial Unicode MS",
    "Microsoft YaHei", "Hiragino Sans",
)  # fmt: skip
WITHOUT_DATE: dict[str, dict[str, Any]] = {
    "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}
"""Two figures of the same numbers are the same bytes."""


@dataclass(frozen=True)
class Width:
    """A figure's width and type size; `height_cm` where the page prescribes it."""

    name: str
    cm: float
    points: float
    height_cm: float | None = None

    @property
    def scale(self) -> float:
        """How much larger lines and letters are than in a column."""
        return self.points / WIDTHS["column"].points


WIDTHS = {
    width.name: width
    for width in (
        Width("column", 8.5, 7),
        Width("page", 17.5, 8),
        Width("slide", 30.48, 15, 30.48 * 9 / 16),
    )
}
"""A column and a page of a paper, and a 16:9 slide without its margins."""


@cache
def families() -> tuple[str, ...]:
    """DejaVu Sans, and a font for other scripts where this machine has one."""
    installed = set(font_manager.get_font_names())
    return ("DejaVu Sans", *(name for name in OTHER_SCRIPTS if name in installed))


@cache
def _letters() -> frozenset[int]:
    paths = [font_manager.findfont(name) for name in families()]
    return frozenset(code for path in paths for code in font_manager.get_font(path).get_charmap())


def drawable(text: str) -> str:
    """The text with "?" for letters that no font here has; captions keep them."""
    known = _letters() | {ord("\n")}
    return "".join(letter if ord(letter) in known else "?" for letter in text)


def wrapped(text: str, cm: float, points: float) -> str:
    """Each line of a text in as many as a width of so many centimetres needs."""
    letters = max(LEAST_LETTERS, int(cm * 72 / CM_PER_INCH / (points * LETTER)))
    return "\n".join(textwrap.fill(line, letters) for line in text.split("\n"))


@contextmanager
def styled(width: Width) -> Iterator[None]:
    """The look, for figures made and saved inside."""
    points = width.points
    with mpl.rc_context(
        {
            "font.family": list(families()), "font.size": points, "axes.titlesize": points,
            "axes.labelsize": points, "xtick.labelsize": points, "ytick.labelsize": points,
            "legend.fontsize": points, "axes.edgecolor": MUTED, "axes.labelcolor": INK,
            "text.color": INK, "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False,
            "axes.spines.right": False, "axes.grid": True, "grid.color": GRID,
            "grid.linewidth": 0.6, "axes.axisbelow": True, "lines.linewidth": 1.2 * width.scale,
            "legend.frameon": False, "text.parse_math": False, "pdf.fonttype": 42,
            "svg.fonttype": "none", "svg.hashsalt": "campare", "axes.unicode_minus": False,
        }
    ):  # fmt: skip
        yield


def files_of(
    draw: Callable[[Figure, Width], None],
    width: Width,
    height_cm: float,
    is_transparent: bool = False,
    kinds: Sequence[str] = KINDS,
) -> dict[str, bytes]:
    """Extension -> the figure, exactly `width` wide: PDF with fonts, SVG with text, PNG."""
    height = width.height_cm or height_cm
    with styled(width):
        size = (width.cm / CM_PER_INCH, height / CM_PER_INCH)
        figure = Figure(figsize=size, layout="constrained")
        draw(figure, width)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once, not again for every file
        return {kind: _saved(figure, kind, is_transparent) for kind in kinds}


def _saved(figure: Figure, kind: str, is_transparent: bool) -> bytes:
    content = io.BytesIO()
    figure.savefig(
        content, format=kind, dpi=DPI, metadata=WITHOUT_DATE[kind], transparent=is_transparent
    )
    return content.getvalue()
