"""Own mistakes: look for the mistakes of a model of one's own on images of one's own."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from frame import display, folder_box
from runs import jobs, tables
from runs.jobs import Job, Order
from state import choices, look_choice, model_choice, named_models, run_choice

METHODS, METRICS = ("grad_cam",), ("relevance_mass", "sparseness")
MOST_PICTURES = 500


def offer() -> None:
    """A model and a folder, and a button that looks for its mistakes there."""
    model_choice.ask_model(named_models.embedded())
    look_choice.ask_framing()
    folder, images = folder_box.ask_images()
    found = min(MOST_PICTURES, images)
    if found:
        display.show_note(
            f"{found} images are looked at. Labels: folders named like the classes, or a "
            "labels.csv with the columns file and class_index or class_name."
        )
    chosen = choices.current()
    order = Order(folder, chosen.model, METHODS, METRICS, found, chosen.framing)
    st.button(
        "Find the mistakes", type="primary", disabled=not found, on_click=_start, args=(order,)
    )


def _start(order: Order) -> None:
    try:
        run_choice.take_run(jobs.start(order).name)
    except OSError as error:
        display.show_problem(f"This cannot be started: {error.strerror or error}.")
    except ValueError as error:
        display.show_problem(f"{error}.")


def known_runs() -> dict[str, Path]:
    """Runs with results, and those that are at work or have failed."""
    return tables.runs() | {job.name: job.run_dir for job in jobs.all_jobs() if _is_open(job)}


def _is_open(job: Job) -> bool:
    return job.is_active or job.state == "failed"


def show_state(run_dir: Path) -> None:
    """How far a run is that is still at work, or why it failed; the page is drawn when it ends."""
    job = jobs.look(run_dir)
    if job is None or not _is_open(job):
        return

    def show() -> None:
        now = jobs.look(run_dir)
        if now is None or not _is_open(now):
            st.rerun()
        elif now.is_active:
            st.progress(min(1.0, now.fraction), f"Looking for mistakes: {now.message}")
        else:
            display.show_problem(now.message)

    st.fragment(show, run_every=1.0 if job.is_active else None)()
