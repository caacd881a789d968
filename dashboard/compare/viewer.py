"""Viewer: opacity, before and after, and enlarging, all of it in the browser."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from frame import display, exports
from frame.evidence import Evidence
from state import choices
from state.choices import Choices

from compare import asked

HTML = """
<div class="viewer">
  <label><span>Opacity of the map</span><output></output>
    <input type="range" class="opacity" min="0" max="1" step="0.05"
      aria-label="Opacity of the map" title="0: the image alone. 1: the map alone."></label>
  <label><span>Before and after</span><output></output>
    <input type="range" class="split" min="0" max="100" step="1" value="100"
      aria-label="Share of each image that shows the map"
      title="Uncovers the image under all maps at once; dragging on an image does the same.">
  </label>
</div>
"""
MOUNT = st.components.v2.component(
    "campare_viewer",
    html=HTML,
    js=Path(__file__).with_name("viewer.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def show_viewer(seen: Evidence, others: Sequence[Evidence], chosen: Choices) -> None:
    """The controls that move all heatmaps in step, and a button that saves the figure."""
    with st.container(key="viewer", horizontal=True, vertical_alignment="bottom"):
        asked.ask_look(MOUNT)
        if any(cell.map is not None for cell in seen.cells):
            looked = choices.as_looked_at(chosen)  # a file is made where no session is known
            display.offer(
                "Save figure",
                lambda: exports.figure(seen, looked, exports.Form(), others, "png"),
                "comparison.png",
                "image/png",
            )
