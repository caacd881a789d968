"""Layers: an image and its map as stacked images, which the browser mixes without asking."""

from __future__ import annotations

from html import escape

import streamlit as st
from recipes import facts
from runs import drawn_images
from state.choices import Choices
from streamlit.runtime import get_instance

from frame.evidence import Cell, Evidence


def show_layers(
    seen: Evidence, cell: Cell, chosen: Choices, *, label: str = "", limit: float | None = None
) -> None:
    """One map on its image: a button that enlarges it; opacity and divider are the page's.

    `limit` is the value in full colour, the map's own 99.5th percentile where it is not given.
    """
    height, width = seen.photo.rgb.shape[:2]
    shape = f"style='aspect-ratio: {width} / {height}'"
    if cell.map is None:
        kind = "waiting" if cell.pending else "nothing"
        st.html(f"<div class='{kind}' {shape}></div>")
        return
    label = label or f"{facts.label_of(cell.method)} for {seen.categories[cell.target]}"
    layers = drawn_images.layers(
        seen.photo,
        cell.map,
        (seen.photo.sha256, seen.model, cell.method, cell.target),
        form=seen.form,
        framing=chosen.framing,
        kept=chosen.threshold if chosen.view == "kept" else None,
        limit=limit,
    )
    photo = address_of(layers.photo, label, "image/jpeg")
    full = address_of(layers.full, label, "image/png" if layers.veil else "image/jpeg")
    veil = address_of(layers.veil, label, "image/png")
    veiled = f"<img class='veil' src='{veil}' alt=''>" if veil else ""
    text = "" if layers.is_supported else "<span class='none'>no positive evidence</span>"
    alone = "" if chosen.view == "overlay" else " alone"
    st.html(
        f"<button type='button' class='layers mapped{alone}' {shape} title='Click to enlarge'>"
        f"<img src='{photo}' alt=''><span class='over'><img class='grey' src='{photo}' alt=''>"
        f"<img class='full' src='{full}' alt='{escape(label, quote=True)}'>{veiled}{text}"
        "</span></button>"
    )


def show_plain(seen: Evidence) -> None:
    """The image without a map, to be enlarged like the others."""
    alt = f"the image, showing {seen.label}" if seen.label else "the image"
    source = address_of(
        drawn_images.shown_photo(seen.photo, seen.photo.sha256), "image", "image/jpeg"
    )
    st.html(
        "<button type='button' class='layers' title='Click to enlarge'>"
        f"<img src='{source}' alt='{escape(alt, quote=True)}'></button>"
    )


def address_of(content: bytes, place: str, mime: str) -> str:
    """Where the browser gets these bytes, relative to the page; empty for none."""
    if not content:
        return ""
    files = get_instance().media_file_mgr
    return files.add(content, mime, f"layers.{place}.{hash(content)}").lstrip("/")
