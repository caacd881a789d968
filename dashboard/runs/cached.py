"""Cached: what the whole server has once; the only user of st.cache_*."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from compute.desk import Desk
from compute.workers import Workers
from state import choices, uploads

from runs import keeping
from runs.samples import Sample, orchard_samples, photo_samples
from xai_core.images import heatmap

if TYPE_CHECKING:
    pass


@st.cache_resource(show_spinner=False)
def desk() -> Desk:
    """The one desk that has images explained for all sessions."""
    return Desk(Workers(), choices.is_open, _forget)


def _forget(sha256s: frozenset[str]) -> None:
    """Nobody has these photos any more: what was made of them goes, too."""
    keeping.forget(sha256s)
    uploads.forget(sha256s)


@st.cache_resource(show_spinner=False)
def samples() -> dict[str, Sample]:
    """Every sample image by id: Orchard's, then photos."""
    return orchard_samples() | photo_samples()


@st.cache_data(show_spinner=False)
def colour_bar() -> str:
    return heatmap.data_uri(heatmap.colour_bar(256, 1), ".png")
