"""Workbench: the pieces of the page that starts evaluations and shows how they go."""

from __future__ import annotations

import time
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st
from frame import display, folder_box, forms
from recipes import facts
from runs import costs, expiry, jobs, run_folders, tables
from runs.expiry import Deleted
from runs.jobs import Job, Order
from state import choices, image_choice, look_choice
from state.named_models import NamedModel

from evaluate import asked
from xai_core.evaluation.run_folder import RunFolderError
from xai_core.evaluation.run_note import load_note

MOST_REASONS = 5
STATES = {
    "waiting": "waiting for its turn",
    "starting": "starting",
    "running": "running",
    "stopping": "stopping after the piece it is working on",
    "finishing": "writing the summary",
    "done": "finished",
    "cancelled": "stopped",
    "failed": "failed",
}


def ask_images() -> tuple[str, int]:
    """The images to evaluate: a data set name or folder (empty: none yet), and how many."""
    source = asked.ask_source()
    dataset, found = "", 0
    if source == "orchard":
        dataset, found = "orchard", 240
    elif source == "folder":
        dataset, found = folder_box.ask_images()
        if found:
            display.show_note(f"{found} images. Folders that name a class give its label.")
    else:
        files = image_choice.ask_files()
        if files:
            dataset = _kept([(file.name, file.getvalue()) for file in files])
            found = len(files) if dataset else 0
    return dataset, asked.ask_limit(found) if found else 0


def _kept(files: list[tuple[str, bytes]]) -> str:
    try:
        return str(jobs.keep_uploads(files))
    except (OSError, ValueError) as error:
        display.show_problem(f"{error}.")
        return ""


def show_details() -> None:
    """Settings of methods and metrics, and the framing."""
    with st.popover("Method settings"):
        forms.offer_variant()
    with st.popover("Metric settings"):
        forms.offer_variant("metrics")
    with st.popover("Preprocessing"):
        look_choice.ask_framing()


def show_estimate(order: Order) -> None:
    """What it will cost, before it starts, from the passes and times of the shipped run."""
    passes, seconds = costs.estimate(order.methods, order.metrics)
    if not order.limit or passes is None:
        return
    total = passes * order.limit
    text = f"About {total:,.0f} forward passes"
    if seconds is not None:
        taken = display.duration(total * seconds)
        text += f", {taken} at the speed of the shipped run ({costs.speed_of()})"
    unknown = costs.not_counted(order.methods, order.metrics)
    if unknown:
        text += f"; not counting {facts.joined(unknown)}"
    display.show_note(text + ".")


def show_missing(order: Order) -> None:
    """What is still to be chosen, where that is why nothing can begin."""
    chosen = {"images": order.dataset, "a method": order.methods, "a metric": order.metrics}
    missing = [noun for noun, those in chosen.items() if not those]
    if missing:
        display.show_note(f"Still to choose: {facts.joined(missing)}.")


def begin(order: Order) -> None:
    """Start the run, or show the one that is at work already."""
    try:
        jobs.start(order)
    except OSError as error:
        display.show_problem(f"The run cannot be started: {error.strerror or error}.")
        return
    except ValueError as error:
        display.show_problem(f"{error}.")
        return
    st.rerun()


def show_jobs(was_active: bool) -> None:
    """Every run with its progress and what can be done with it."""
    found = jobs.all_jobs()
    if not found:
        display.show_note("Nothing has been evaluated yet.")
    for job in found:
        _show_job(job)
    for one in expiry.deleted(run_folders.home()):
        _show_deleted(one)
    if was_active != any(job.is_active for job in found):
        st.rerun()


def _show_job(job: Job) -> None:
    with st.container(border=True, key=asked.job_key(job.name, "box")):
        left = "" if job.seconds_left is None else f", {display.duration(job.seconds_left)} left"
        state = STATES.get(job.state, job.state)
        st.html(
            f"<div class='card'><h3>{escape(job.name)}</h3><p class='note'>{state}{left}"
            f"{_about(job)}</p></div>"
        )
        if note := load_note(job.run_dir):
            display.show_note(f"Note: {note}")
        if job.is_active:
            st.progress(min(1.0, job.fraction))
            display.show_note(job.message)
        if job.state == "failed":
            display.show_problem(job.message)
        for reason in _left_out(job)[:MOST_REASONS]:
            display.show_note(f"Left out: {reason}")
        with st.empty():  # a place of its own: were others to move, an open box would close
            if asked.job_problem(job.name):
                display.show_problem(asked.job_problem(job.name))
        with st.container(horizontal=True):
            _offer_actions(job)
        if job.is_own and (job.is_active or job.state == "failed"):
            with st.expander("Log"):
                st.code(jobs.log_of(job.run_dir) or "nothing yet", language=None)


def _show_deleted(one: Deleted) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        until = time.strftime("%d %B %H:%M", time.localtime(one.until))
        display.show_note(f"{one.name} was deleted; it can be had back until {until}.")
        if st.button("Undo", key=asked.job_key(one.folder.name, "undo")):
            try:
                expiry.restore(one)
            except (ValueError, OSError) as error:
                display.show_problem(f"{error}.")
                return
            st.rerun()


def _about(job: Job) -> str:
    """What was evaluated, or what is to be."""
    told = None if job.is_active else _evaluated(job)
    if told is not None:
        dataset, model = told["dataset"], told["classifier"]["name"]
        images, methods, metrics = (len(told[part]) for part in ("images", "methods", "metrics"))
    elif job.order is not None:
        order = job.order
        dataset, model = Path(order.dataset).name, NamedModel.parse(order.classifier).label()
        images, methods, metrics = order.limit, len(order.methods), len(order.metrics)
    else:
        return ""
    counts = (images, "image"), (methods, "method"), (metrics, "metric")
    what, by, how = (f"{n} {word}{'s' * (n != 1)}" for n, word in counts)
    return escape(f" · {what} of {dataset}, model {model}, {by}, {how}")


def _evaluated(job: Job) -> dict[str, Any] | None:
    """The manifest of a run; None where it has none, or one that cannot be read."""
    stamp = tables.run_stamp(job.run_dir)
    try:
        return tables.manifest(job.run_dir, stamp) if stamp else None
    except RunFolderError:
        return None


def _left_out(job: Job) -> list[str]:
    """One sentence for each image of a run that could not be used."""
    told = None if job.is_active else _evaluated(job)
    return list((told or {}).get("bad_images", {}).values())


def _offer_actions(job: Job) -> None:
    if job.is_active and job.is_own:
        stopping = job.state in ("stopping", "finishing")
        if st.button("Stop", key=asked.job_key(job.name, "stop"), disabled=stopping):
            jobs.stop(job)
            st.rerun(scope="fragment")
        return
    if (job.run_dir / "manifest.json").is_file() and st.button(
        "Show results", key=asked.job_key(job.name, "show")
    ):
        choices.show_results(job.name, tables.is_truth(job.run_dir))
    if job.is_own and job.order is not None and job.state in ("cancelled", "failed"):
        order = job.order
        if st.button("Resume", key=asked.job_key(job.name, "on")):
            _try(job, lambda: jobs.start(order, job.run_dir))
    if job.is_protected:
        return
    with st.popover("More"):
        name = asked.ask_name(job.name)
        if st.button("Rename", key=asked.job_key(job.name, "rename")):
            _try(job, lambda: jobs.rename(job, name))
        note = asked.ask_note(job.name, load_note(job.run_dir))
        if st.button("Save note", key=asked.job_key(job.name, "noted")):
            _try(job, lambda: jobs.take_note(job, note))
        if st.button("Delete", key=asked.job_key(job.name, "delete")):
            _try(job, lambda: jobs.delete(job))


def _try(job: Job, action: Callable[[], object]) -> None:
    try:
        action()
        asked.take_job_problem(job.name, "")
    except (ValueError, OSError) as error:
        asked.take_job_problem(job.name, str(error))
    st.rerun()
