"""Evaluate my images, my model, my choice of methods."""

from __future__ import annotations

import streamlit as st
from frame import display
from recipes import facts
from runs import jobs
from runs.jobs import Order
from state import choices, method_choice, model_choice, named_models

from evaluate import asked, workbench
from xai_core import headline

display.show_heading(
    "Evaluate images, a model and methods of your choice",
    "An evaluation runs on its own: close the page, come back, or stop it and resume it later.",
)
left, right = st.columns([3, 2], gap="large")
with left:
    dataset, limit = workbench.ask_images()
    model_choice.ask_model(named_models.embedded())
    method_choice.ask_methods()
    nulls = headline.NULLS if asked.ask_nulls() else ()
    metrics = asked.ask_metrics(facts.facts("metrics"))
    with st.container(horizontal=True):
        workbench.show_details()
    chosen = choices.current()
    methods = tuple(dict.fromkeys([*chosen.methods, *nulls])) if chosen.methods else ()
    order = Order(dataset, chosen.model, methods, tuple(metrics), limit, chosen.framing)
    ready = bool(dataset and chosen.methods and metrics)
    workbench.show_estimate(order)
    workbench.show_missing(order)
    if st.button("Evaluate", type="primary", disabled=not ready, icon=":material/play_arrow:"):
        workbench.begin(order)
with right:
    display.show_section("Runs")
    active = any(job.is_active for job in jobs.all_jobs())
    st.fragment(workbench.show_jobs, run_every=1.0 if active else 5.0)(active)
