"""Display: the pieces that pages are made of; every text is escaped, none goes through Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from html import escape
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st
from runs import cached, drawn_images
from runs.steps_to_secam import Step
from streamlit.delta_generator import DeltaGenerator

from frame import exports
from xai_core.images import heatmap
from xai_core.titles import percent

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure

    from frame.exports import Table

STYLE = Path(__file__).with_name("style.css")
TABLE_ROWS = 40
GRID_ROWS = 12
NO_RESULTS = "There are no results yet: evaluate something on the page Evaluate."
LEAST_NAME_PX, CELL_PX, LETTER_PX = 100, 24, 7.2
CHART_CONFIG = {"displayModeBar": False}
MOST_NUMBERS = 10
LONG_TEXT = 40
"""Letters of a cell from which a phone keeps it wide, so that its row does not grow tall."""


class PageEnd(Exception):
    """Raised by a page that has nothing more to show.

    After `st.stop` nothing can be sent to the browser any more, not even the page's address.
    """


def show_heading(title: str, lead: str) -> None:
    st.html(STYLE)
    st.html(f"<h1 class='title'>{escape(title)}</h1><p class='lead'>{escape(lead)}</p>")


def show_section(title: str, lead: str = "") -> None:
    text = f"<p class='lead'>{escape(lead)}</p>" if lead else ""
    st.html(f"<h2 class='section'>{escape(title)}</h2>{text}")


def show_note(text: str) -> None:
    """A caption: what is shown, n, seed, units, interval."""
    st.html(f"<p class='note'>{escape(text)}</p>")


def show_problem(text: str, kind: str = "problem") -> None:
    """One sentence about what is wrong and what to do; `kind` "hint" for good news."""
    role = "alert" if kind == "problem" else "status"
    st.html(f"<div class='{kind}' role='{role}'>{escape(text)}</div>")


def show_no_model(error: str) -> None:
    """Why the chosen model cannot be used, and that no other stands for it."""
    show_problem(f"{error.rstrip('.')}. Nothing is shown instead: choose another model above.")


def show_problems(texts: Sequence[str]) -> None:
    """Each as `show_problem` shows it, in a place that stays where there are none.

    Controls that move up or down on the page begin anew with what the browser remembers of them.
    """
    with st.container():
        for text in texts:
            show_problem(text)


OWN_SCALE = "Every map is divided by its own 99.5th percentile"


def show_legend(view: str, threshold: float, scale: str = OWN_SCALE) -> None:
    """What the colours mean, the same for every method; `scale`: what full colour stands for."""
    if view == "kept":
        share = f"{percent(threshold)} of the map's maximum"
        st.html(f"<p class='note'>Shown is what reaches {share}; the rest is pale.</p>")
        return
    st.html(
        "<div class='legend'><span>contradicts the class</span>"
        f"<img src='{cached.colour_bar()}' alt='colour scale from blue over pale to red'>"
        f"<span>supports the class</span><span class='note'>{scale}; pale means none.</span></div>"
    )


def show_steps(steps: Sequence[Step], columns: int) -> None:
    """Images in a row, each with its title and one sentence."""
    grid = st.grid(columns, min_column_width=150)
    for step in steps:
        with grid.cell():
            image = heatmap.fitted(step.image, drawn_images.DISPLAY_PX)
            st.image(heatmap.encoded(image, ".jpg"), width="stretch", alt=step.text)
            title, text = escape(step.title), escape(step.text)
            st.html(f"<div class='card'><h3>{title}</h3><p class='note'>{text}</p></div>")


def show_answer(sentences: Sequence[str], between: str = " ") -> None:
    """What the data say, in plain words; `between` them HTML, such as a line break."""
    text = between.join(f"<span>{escape(sentence)}</span>" for sentence in sentences)
    st.html(f"<div class='answer'>{text}</div>")


def show_chart(
    place: DeltaGenerator | None, chart: Figure, alt: str = "", *, has_names: bool = False
) -> None:
    """A chart in its place, or here; above it the same as PNG, SVG and PDF.

    Above, because there the buttons of charts side by side stand at one height. With `has_names`
    beside its points it keeps the width that they were placed for, and a phone scrolls it.
    """
    title = alt or chart.layout.title.text or "chart"
    with (
        place or st.container(),
        st.container(key=f"points {title}" if has_names else _key_of(chart, title)),
    ):
        offer_chart(chart, title)
        st.plotly_chart(chart, width="stretch", config=CHART_CONFIG, alt=title)


def _key_of(chart: Figure, title: str) -> str | None:
    """Matrices of many cells are marked: a phone leaves their numbers out."""
    cells = max((len(t.x) for t in chart.data if t.type == "heatmap"), default=0)
    return f"matrix {title}" if cells > MOST_NUMBERS else None


def offer_chart(chart: Figure, title: str) -> None:
    """A chart as a figure for print: PNG, SVG and PDF."""
    name = re.sub(r"\W+", "_", title.lower()).strip("_")
    with (
        st.container(horizontal=True, horizontal_alignment="right"),
        st.popover("Save figure", icon=":material/download:", type="tertiary", width="content"),
    ):
        for kind, mime in exports.FIGURES.items():
            offer(kind.upper(), partial(_paper, chart, kind), f"{name}.{kind}", mime)


def _paper(chart: Figure, kind: str) -> bytes:
    from drawing import paper  # matplotlib loads on the first click

    return paper.save(chart, kind)


def show_table(
    table: Table,
    name: str,
    caption: str = "",
    whole: Table | None = None,
) -> None:
    """A table with its caption, and as CSV and LaTeX; a long one scrolls and can be sorted.

    `whole` is what is saved where only some of its columns are shown.
    """
    if len(table) > TABLE_ROWS:
        _show_grid(table, caption or name)
    else:  # text is there at once; a grid loads two megabytes of scripts first
        rows = table if isinstance(table, list) else _records(table)
        st.html(_typeset(rows, caption or name))
    with st.container(horizontal=True, vertical_alignment="center"):
        show_note(caption)
        offer_table(table if whole is None else whole, name, caption)


def _show_grid(table: Table, label: str) -> None:
    import pandas as pd

    shown = without_minus_zero(pd.DataFrame(table))
    st.dataframe(
        shown,
        hide_index=True,
        width="stretch",
        height=38 + 35 * GRID_ROWS,
        column_config=column_forms(shown),
        placeholder="–",
        alt=label,
    )


def _records(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """Its rows, with None where a value is missing, whatever a column calls that."""
    found: list[dict[Any, Any]] = table.astype(object).where(table.notna(), None).to_dict("records")
    return found


def _typeset(rows: Sequence[Mapping[Any, Any]], label: str) -> str:
    """A table whose columns of numbers stand to the right, so that their digits can be compared."""
    names = list(rows[0]) if rows else []
    classes = {
        name: "number" if any(_is_number(row[name]) for row in rows) else "" for name in names
    }
    head = "".join(
        f"<th scope='col' class='{classes[name]}'>{escape(str(name))}</th>" for name in names
    )
    body = "".join(
        f"<tr>{''.join(_cell(row[name], str(name), classes[name]) for name in names)}</tr>"
        for row in rows
    )
    return (
        f"<div class='table' role='region' tabindex='0' aria-label='{escape(label)}'>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _cell(value: object, title: str, kind: str) -> str:
    text = _text(value, title)
    kind = kind or ("long" if len(text) > LONG_TEXT else "")
    return f"<td class='{kind}'>{escape(text)}</td>"


def _text(value: object, title: str) -> str:
    """Fractions with three digits, times with two that count."""
    if value is None or value != value:
        return "–"
    if title.startswith("p ") and isinstance(value, float) and value < 0.001:
        return "< 0.001"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, float):
        return str(value)
    if "Seconds" in title:
        return f"{value:.2g}" if value < 100 else f"{value:.0f}"
    return f"{round(value, 3) + 0.0:.3f}"


def tint(share: float) -> str:
    """A blue that is seen on a light and on a dark page; the more, the larger the share."""
    return f"rgba(47, 128, 214, {0.32 * share:.2f})"


def column_forms(table: pd.DataFrame) -> dict[str, Any]:
    """Fractions with three digits, times with two that count; the names are there whole."""
    numbers = {
        str(name): "%.2g" if "Seconds" in str(name) else "%.3f"
        for name in table.select_dtypes("float")
    }
    forms = {name: st.column_config.NumberColumn(format=form) for name, form in numbers.items()}
    words = table.select_dtypes(exclude=["number", "bool"])
    return {**forms, **{str(name): _wide(words[name]) for name in words}}


def _wide(names: pd.Series[Any]) -> Any:
    longest = max((len(str(name)) for name in names), default=0)
    return st.column_config.TextColumn(
        width=max(LEAST_NAME_PX, CELL_PX + round(LETTER_PX * longest))
    )


def without_minus_zero(table: pd.DataFrame) -> pd.DataFrame:
    """The table as it is shown: what would read -0.000 is 0."""
    fractions = table.select_dtypes("float")
    return table.assign(**fractions.mask((fractions < 0) & (fractions > -0.0005), 0.0))


def offer_table(table: Table, name: str, caption: str = "") -> None:
    with st.container(horizontal=True, width="content"):
        offer("CSV", lambda: exports.csv(table), f"{name}.csv", "text/csv")
        offer("LaTeX", lambda: exports.latex(table, caption), f"{name}.tex", "text/x-tex")


def offer_figures(build: Callable[..., bytes], name: str, *arguments: object) -> None:
    """A figure as PNG, SVG and PDF; `build` is called with the kind last, on click."""
    for kind, mime in exports.FIGURES.items():
        offer(f"Figure as {kind.upper()}", partial(build, *arguments, kind), f"{name}.{kind}", mime)


def offer(label: str, build: Callable[[], bytes], file_name: str, mime: str) -> None:
    """A button that builds a file when it is clicked."""
    st.download_button(label, build, file_name, mime, on_click="ignore", icon=":material/download:")


def duration(seconds: float) -> str:
    """A time for people: 12 ms, 1.4 s, 3 min."""
    if seconds < 1:
        return f"{max(1, round(seconds * 1000))} ms"
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.0f} min"
