"""Explained alike: clusters of a run's heatmaps, each with its mean map, images and errors."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from frame.display import show_answer, show_note, show_problem, show_table
from runs import drawn_images, map_clusters, run_images

from mistakes import asked
from xai_core.findings.cluster_wording import CAPTION, clusters_say
from xai_core.images import heatmap

SHOWN_IMAGES = 6
MEAN_PX = 224
COLUMNS = {
    "cluster": "Cluster", "labelled": "Labelled", "wrong": "Wrong",
    "error_rate": "Share of errors", "predicted": "Most predicted", "predicted_n": "n of it",
}  # fmt: skip


def show_clusters(run_dir: Path, stamp: float, manifest: dict[str, Any]) -> None:
    """One row per cluster: where its heatmaps lie, some of its images, its share of errors."""
    methods = {e["spec"]: e["label"] for e in manifest["methods"].values()}
    names = list(manifest["classifier"]["categories"])
    method, predicted = asked.ask_clusters(methods, names)
    grouped = map_clusters.grouped(run_dir, stamp, method, predicted)
    if isinstance(grouped, str):
        show_problem(grouped, "hint")
        return
    show_answer(clusters_say(grouped.table, method, manifest))
    for row in grouped.table.to_dict("records"):
        _show_cluster(grouped, row)
    shown = grouped.table.rename(columns=COLUMNS)
    show_table(shown, "clusters", CAPTION)


def _show_cluster(grouped: map_clusters.Grouped, row: Mapping[Any, Any]) -> None:
    number = int(row["cluster"]) - 1
    own = grouped.images[grouped.found.labels == number]
    known = f", wrong on {row['wrong']} of {row['labelled']}" if row["labelled"] else ""
    title = f"Cluster {number + 1}: {row['n']} images{known}"
    st.html(f"<h2 class='rowtitle'>{escape(title)}</h2>")
    grid = st.grid(SHOWN_IMAGES + 1, min_column_width=110)
    with grid.cell():
        mean = heatmap.enlarged(grouped.found.means[number].astype(np.float32), MEAN_PX, MEAN_PX)
        image = heatmap.colours(heatmap.scaled(mean))
        st.image(heatmap.encoded(image, ".png"), width="stretch", alt=f"mean heatmap of {title}")
        st.html("<div class='card'><h3>Mean</h3></div>")
    for image in own.head(SHOWN_IMAGES).to_dict("records"):
        thumbnail = drawn_images.run_thumbnail(run_images.file_of(image), image["sha256"])
        if thumbnail:
            with grid.cell():
                st.image(thumbnail, width="stretch", alt=str(image["image"]))
    if len(own) > SHOWN_IMAGES:
        show_note(f"{SHOWN_IMAGES} of {len(own)} images are shown.")
