"""Folder box: a folder on the server, and how many images lie in it."""

from __future__ import annotations

import streamlit as st
from runs import scans
from runs.scans import Scan
from state import choices, hosting, image_choice

from frame import display

LOOK_SECONDS = 0.5


def ask_images() -> tuple[str, int]:
    """The folder that was typed and its number of images; ("", 0) while that is not known."""
    typed = image_choice.ask_folder(hosting.example_folder())
    if not typed:
        return "", 0
    try:
        scan = scans.look(choices.session("folder"), hosting.folder_named(typed))
    except ValueError as error:
        display.show_problem(str(error))
        return "", 0
    if scan.is_running():
        st.fragment(_show_progress, run_every=LOOK_SECONDS)(scan)
    elif scan.problem:
        display.show_problem(scan.problem)
    else:
        return str(scan.folder), scan.found
    return "", 0


def _show_progress(scan: Scan) -> None:
    if not scan.is_running():
        st.rerun()
    display.show_note(
        f"Looking through {scan.folder}: {scan.seen:,} files so far, {scan.found:,} of them images."
    )
