"""Workbench: the pieces of the page that starts evaluations and shows how they go."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st
from frame import display, forms
from recipes import facts
from runs import cached, costs, jobs
from runs.jobs import Job, Order
from state import choices
from state.networks import Network

from xai_core.evaluation.store import RunFolderError
from xai_core.images.image_files import find_images
from xai_core.images.reading import BadImage

MOST_REASONS = 5
STATES = {
    "starting": "starting",
    "running": "running",
    "stopping": "stopping after the piece it is working on",
    "finishing": "writing the summary",
    "done": "finished",
    "cancelled": "stopped",
    "failed": "failed",
}


def ask_pictures() -> tuple[str, int]:
    """The images to evaluate: a data set name or folder (empty: none yet), and how many."""
    source = choices.ask_source()
    dataset, found = "", 0
    if source == "orchard":
        dataset, found = "orchard", 240
    elif source == "folder":
        dataset = choices.ask_folder()
        if dataset:
            dataset = str(Path(dataset).expanduser().resolve())
            try:
                found = len(find_images(dataset))
                display.show_note(f"{found} images. Folders that name a class give its label.")
            except BadImage as error:
                display.show_problem(str(error))
                dataset = ""
    else:
        files = choices.ask_files()
        if files:
            folder = jobs.keep_uploads([(file.name, file.getvalue()) for file in files])
            dataset, found = str(folder), len(files)
    return dataset, choices.ask_limit(found) if found else 0


def show_details() -> None:
    """A checkpoint as the model, settings of methods and metrics, and the framing."""
    with st.popover("Own model"):
        forms.offer_checkpoint()
    with st.popover("Method settings"):
        forms.offer_variant()
    with st.popover("Metric settings"):
        forms.offer_variant("metrics")
    with st.popover("Preprocessing"):
        choices.ask_framing()


def show_estimate(order: Order) -> None:
    """What it will cost, before it starts, from the passes and times of the shipped run."""
    passes, seconds = costs.estimate(order.methods, order.metrics)
    if not order.limit or passes is None:
        return
    total = passes * order.limit
    text = f"About {total:,.0f} forward passes"
    if seconds is not None:
        text += f", {display.duration(total * seconds)} at the speed of the shipped run"
    unknown = costs.not_counted(order.methods, order.metrics)
    if unknown:
        text += f"; not counting {facts.joined(unknown)}"
    display.show_note(text + ".")


def begin(order: Order) -> None:
    """Start the run, or show the one that is at work already."""
    try:
        jobs.start(order)
    except OSError as error:
        display.show_problem(f"The run cannot be started: {error.strerror or error}.")
        return
    st.rerun()


def show_jobs(was_active: bool) -> None:
    """Every run with its progress and what can be done with it."""
    found = jobs.all_jobs()
    if not found:
        display.show_note("Nothing has been evaluated yet.")
    for job in found:
        _show_job(job)
    if was_active != any(job.is_active for job in found):
        st.rerun()


def _show_job(job: Job) -> None:
    with st.container(border=True, key=choices.job_key(job.name, "box")):
        left = "" if job.seconds_left is None else f", {display.duration(job.seconds_left)} left"
        state = STATES.get(job.state, job.state)
        st.html(
            f"<div class='card'><h3>{escape(job.name)}</h3><p class='note'>{state}{left}"
            f"{_about(job)}</p></div>"
        )
        if job.is_active:
            st.progress(min(1.0, job.fraction))
            display.show_note(job.message)
        if job.state == "failed":
            display.show_problem(job.message)
        for reason in _left_out(job)[:MOST_REASONS]:
            display.show_note(f"Left out: {reason}")
        with st.empty():  # a place of its own: were others to move, an open box would close
            if choices.job_problem(job.name):
                display.show_problem(choices.job_problem(job.name))
        with st.container(horizontal=True):
            _offer_actions(job)
        if job.is_active or job.state == "failed":
            with st.expander("Log"):
                st.code(jobs.log_of(job.run_dir) or "nothing yet", language=None)


def _about(job: Job) -> str:
    """What was evaluated, or what is to be."""
    told = None if job.is_active else _evaluated(job)
    if told is not None:
        dataset, network = told["dataset"], told["classifier"]["name"]
        images, methods, metrics = (len(told[part]) for part in ("images", "methods", "metrics"))
    elif job.order is not None:
        order = job.order
        dataset, network = Path(order.dataset).name, Network.parse(order.classifier).label()
        images, methods, metrics = order.limit, len(order.methods), len(order.metrics)
    else:
        return ""
    counts = (images, "image"), (methods, "method"), (metrics, "metric")
    what, by, how = (f"{n} {word}{'s' * (n != 1)}" for n, word in counts)
    return escape(f" · {what} of {dataset}, {network}, {by}, {how}")


def _evaluated(job: Job) -> dict[str, Any] | None:
    """The manifest of a run; None where it has none, or one that cannot be read."""
    stamp = cached.run_stamp(job.run_dir)
    try:
        return cached.manifest(job.run_dir, stamp) if stamp else None
    except RunFolderError:
        return None


def _left_out(job: Job) -> list[str]:
    """One sentence for each image of a run that could not be used."""
    told = None if job.is_active else _evaluated(job)
    return list((told or {}).get("bad_images", {}).values())


def _offer_actions(job: Job) -> None:
    if job.is_active:
        stopping = job.state in ("stopping", "finishing")
        if st.button("Stop", key=choices.job_key(job.name, "stop"), disabled=stopping):
            jobs.stop(job)
            st.rerun(scope="fragment")
        return
    if (job.run_dir / "manifest.json").is_file() and st.button(
        "Show results", key=choices.job_key(job.name, "show")
    ):
        choices.show_results(job.name, cached.is_truth(job.run_dir))
    if job.order is not None and job.state in ("cancelled", "failed"):
        order = job.order
        if st.button("Resume", key=choices.job_key(job.name, "on")):
            _try(job, lambda: jobs.start(order, job.run_dir))
    if job.is_protected:
        return
    with st.popover("More"):
        name = choices.ask_name(job.name)
        if st.button("Rename", key=choices.job_key(job.name, "rename")):
            _try(job, lambda: jobs.rename(job, name))
        if st.button("Delete for good", key=choices.job_key(job.name, "delete")):
            _try(job, lambda: jobs.delete(job))


def _try(job: Job, action: Callable[[], object]) -> None:
    try:
        action()
        choices.take_job_problem(job.name, "")
    except (ValueError, OSError) as error:
        choices.take_job_problem(job.name, str(error))
    st.rerun()
