"""Export: the comparison as a figure for paper or slide with its caption, the maps as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st
from frame import display, exports
from frame.evidence import Evidence
from state import choices
from state.choices import Choices

from compare import asked

NOTE = (
    "Figures are drawn at 300 dpi when you click: {cm} cm wide, letters as text in SVG and PDF. "
    "What is still computed is left pale. The maps are signed and not normalised."
)


def show_exports(seen: Evidence, others: Sequence[Evidence], chosen: Choices) -> None:
    """Width and scores, the files, and the caption beside them; from the first map on."""
    left, right = st.columns([3, 4])
    with left:
        form = asked.ask_form()
    looked = choices.as_looked_at(chosen)
    with right:
        st.code(exports.caption(seen, looked, form, others), language=None, wrap_lines=True)
    with left, st.container(horizontal=True):
        build = partial(exports.figure, seen, looked, form, others)
        stem = exports.file_stem(seen)
        display.offer_figures(build, stem)
        raw = partial(exports.raw_maps, seen, chosen)
        display.offer("Maps as NPZ", raw, f"{stem}-maps.npz", "application/octet-stream")
    display.show_note(NOTE.format(cm=asked.WIDTHS_CM[form.width]))
