"""What does each method and metric compute, what does it cost, when does it mislead?"""

from __future__ import annotations

import streamlit as st
from frame import display, lessons
from recipes import facts
from runs import costs, shipped_maps
from state import choices

from guide import asked, convergence, declared

display.show_heading(
    "Guide",
    "What each method and each metric computes, what it costs, and when it misleads.",
)
methods, metrics, slic, samples, reading = choices.tabs(
    ["Methods", "Metrics", "SLIC by hand", "How many samples?", "Reading results"]
)
if methods.open:
    with methods:
        name = asked.ask_topic("Method", declared.by_title("methods"), "topic")
        lessons.show_recipe(facts.facts("methods")[name])
        display.show_section("All methods")
        display.show_table(
            declared.method_table(costs.passes()), "methods", declared.METHOD_COLUMNS
        )
if metrics.open:
    with metrics:
        name = asked.ask_topic("Metric", declared.by_title("metrics"), "metric_topic")
        lessons.show_recipe(facts.facts("metrics")[name])
        display.show_section("All metrics")
        display.show_table(declared.metric_table(), "metrics", declared.METRIC_COLUMNS)
if slic.open:
    with slic:
        lessons.show_worked_example()
if samples.open:
    with samples:
        measured = shipped_maps.convergence()
        if measured is None:
            display.show_note("Not measured yet: campare convergence")
        else:
            display.show_answer([convergence.summary(measured)])
            chart = convergence.draw_convergence(measured)
            display.show_chart(None, chart, "Agreement of two seeds over the number of samples")
            display.show_note(convergence.EXPLANATION)
if reading.open:
    with reading:
        for title, text in declared.READING:
            display.show_section(title)
            st.html(f"<p class='prose'>{text}</p>")
