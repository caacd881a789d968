"""Slides: one message each; its sentence is the title, the figure below it, the method in notes."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pptx import Presentation
from pptx.util import Cm, Pt

from xai_core.findings.phrases import about, capital
from xai_core.report.figures import Drawn
from xai_core.report.material import Material
from xai_core.report.native import Box
from xai_core.report.slide_table import add_table, slides_of
from xai_core.report.tables import Table
from xai_core.titles import joined

WIDTH_CM, HEIGHT_CM, MARGIN_CM, TITLE_CM, FOOT_CM = 33.867, 19.05, 1.2, 2.5, 1.7
TITLE_ONLY, TITLE_SIZES = 5, ((100, 24), (150, 19), (10_000, 16))
"""How many letters a title of so many points has at most."""
TEXT_WIDTH_CM = WIDTH_CM - 2 * MARGIN_CM
SAID_PT, SMALL_SAID_PT, SAID_LETTERS, SAID_CM, FOOT_PT, SMALL_FOOT_PT, FOOT_LETTERS = (
    14,
    12,
    300,
    2.0,
    10,
    8,
    480,
)
TEXT_PT, METHODS_PT, LETTERS_ON_A_SLIDE = 20, 12, 3000
SAME_DATE = datetime(2000, 1, 1)
"""A file that holds no date of its own: two of one run are the same bytes."""


def presentation(
    materials: Sequence[Material], figures: Sequence[Drawn], tables: Sequence[Table], methods: str
) -> bytes:
    """The slides as a .pptx file; `methods`, one paragraph for each run, is for the notes too."""
    deck = Presentation()
    deck.slide_width, deck.slide_height = Cm(WIDTH_CM), Cm(HEIGHT_CM)
    opening = [line for m in materials for line in _opening(m)]
    _add_text(deck, "How do explanation methods compare?", opening)
    for figure in _once(figures):
        _add_figure(deck, figure, methods)
    for table in tables:
        for headline, rows in slides_of(table):
            _add_table(deck, headline, rows, methods)
    for material, text in zip(materials, methods.strip().split("\n\n"), strict=True):
        title = "Methods" if len(materials) == 1 else f"Methods: {material.name}"
        for number, part in enumerate(_parts(text)):
            _add_text(deck, f"{title} (continued)" if number else title, [part], METHODS_PT)
    for name in ("created", "modified", "last_printed"):
        setattr(deck.core_properties, name, SAME_DATE)
    deck.core_properties.author, deck.core_properties.title = "CAMpare", "Method comparison"
    content = io.BytesIO()
    deck.save(content)
    return _without_dates(content.getvalue())


def _opening(material: Material) -> list[str]:
    """What was compared on what, in one line each."""
    titles = [material.title(method) for method in material.methods]
    metrics = list(dict.fromkeys(str(e["title"]) for e in material.entries("metrics")))
    lines = [
        f"{capital(about(material.manifest, material.images))}. {material.right_says}",
        f"Methods: {joined(titles)}.",
        f"Metrics: {joined(metrics)}.",
        material.unfinished,
        f"Note: {material.note}" if material.note else "",
    ]  # fmt: skip
    return [line.strip() for line in lines if line.strip()]


def _parts(text: str) -> list[str]:
    """A text in as many parts as slides hold it, broken between sentences."""
    parts = [""]
    for sentence in re.split(r"(?<=[.\]]) (?=[A-Z])", text):
        if len(parts[-1]) + len(sentence) > LETTERS_ON_A_SLIDE and parts[-1]:
            parts.append("")
        parts[-1] = f"{parts[-1]} {sentence}".strip()
    return parts


def _once(figures: Sequence[Drawn]) -> list[Drawn]:
    """One figure for each message: of those with the same first sentence the first."""
    seen: dict[str, Drawn] = {}
    for figure in figures:
        seen.setdefault(figure.headline, figure)
    return list(seen.values())


def _titled(deck: Any, title: str) -> Any:
    slide = deck.slides.add_slide(deck.slide_layouts[TITLE_ONLY])
    shape = slide.shapes.title
    shape.left, shape.top = Cm(MARGIN_CM), Cm(0.3)
    shape.width, shape.height = Cm(WIDTH_CM - 2 * MARGIN_CM), Cm(TITLE_CM)
    shape.text_frame.word_wrap = True
    shape.text_frame.text = title
    size = next(points for letters, points in TITLE_SIZES if len(title) <= letters)
    shape.text_frame.paragraphs[0].font.size = Pt(size)
    _add_box(slide, [str(len(deck.slides))], WIDTH_CM - 2, HEIGHT_CM - 0.9, 1.6, FOOT_PT)
    return slide


def _add_box(
    slide: Any, paragraphs: Sequence[str], left: float, top: float, width: float, points: int
) -> None:
    """Text at a place in centimetres; it grows downward."""
    box = slide.shapes.add_textbox(Cm(left), Cm(top), Cm(width), Cm(0.6))
    box.text_frame.word_wrap = True
    for number, text in enumerate(paragraphs):
        frame = box.text_frame
        paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
        paragraph.text = text
        paragraph.font.size = Pt(points)
        paragraph.space_after = Pt(points / 2)


def _add_text(deck: Any, title: str, paragraphs: Sequence[str], points: int = TEXT_PT) -> None:
    letters = sum(map(len, paragraphs))
    size = points if letters < LETTERS_ON_A_SLIDE / 3 else min(points, METHODS_PT)
    _add_box(_titled(deck, title), paragraphs, MARGIN_CM, TITLE_CM + 1, TEXT_WIDTH_CM, size)


def _body(said: Sequence[str]) -> Box:
    """The room between the sentences below the title and the foot, in EMU."""
    top = TITLE_CM + 0.5 + (SAID_CM if said else 0)
    height = HEIGHT_CM - FOOT_CM - top
    return Cm(MARGIN_CM), Cm(top), Cm(TEXT_WIDTH_CM), Cm(height)


def _around(deck: Any, title: str, said: Sequence[str], legend: str) -> Any:
    """A slide with its message, what qualifies it, and what the marks mean."""
    slide = _titled(deck, title)
    if text := " ".join(said):
        points = SAID_PT if len(text) <= SAID_LETTERS else SMALL_SAID_PT
        _add_box(slide, [text], MARGIN_CM, TITLE_CM + 0.4, TEXT_WIDTH_CM, points)
    points = FOOT_PT if len(legend) <= FOOT_LETTERS else SMALL_FOOT_PT
    _add_box(slide, [legend], MARGIN_CM, HEIGHT_CM - FOOT_CM, TEXT_WIDTH_CM - 1.5, points)
    return slide


def _add_figure(deck: Any, figure: Drawn, methods: str) -> None:
    said = [s for s in figure.sentences if s != figure.headline]
    legend = figure.native.legend if figure.native else figure.legend
    slide = _around(deck, figure.headline, said, legend)
    caption = " ".join([*figure.sentences, legend])
    if figure.native:
        shapes = figure.native.place(slide, _body(said))
    else:
        shapes = [_picture(slide, figure.files["slide"]["png"], _body(said))]
    for shape in shapes:
        _describe(shape, caption)
    slide.notes_slide.notes_text_frame.text = f"{caption}\n\n{methods}"


def _add_table(deck: Any, title: str, table: Table, methods: str) -> None:
    slide = _around(deck, title, [], table.caption)
    _describe(add_table(slide, table, _body([])), table.caption)
    slide.notes_slide.notes_text_frame.text = f"{table.caption}\n\n{methods}"


def _picture(slide: Any, content: bytes, box: Box) -> Any:
    left, top, width, height = box
    shown = slide.shapes.add_picture(io.BytesIO(content), left, top, height=height)
    shown.left = int(left + (width - shown.width) / 2)
    return shown


def _describe(shape: Any, text: str) -> None:
    """The alternative text of an image, a chart or a table."""
    shape._element.xpath(".//p:cNvPr")[0].set("descr", text)


def _without_dates(content: bytes) -> bytes:
    """The archive with the same date for every member, and for what the workbooks in it tell."""
    anew = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(anew, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            member = zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(member, _dateless(name, old.read(name)))
    return anew.getvalue()


def _dateless(name: str, content: bytes) -> bytes:
    if name.endswith(".xlsx"):
        return _without_dates(content)
    if name == "docProps/core.xml":
        return re.sub(rb"\d{4}-\d\d-\d\dT[\d:]+Z", b"2000-01-01T00:00:00Z", content)
    return content
