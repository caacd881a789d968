"""How do the methods explain this image?"""

from __future__ import annotations

import streamlit as st
from frame import cards, display, evidence, forms
from frame.watching import watch
from state import choices, networks

display.show_heading(
    "How do the methods explain this image?",
    "One image, one model, many explanations: what supports a class, and what contradicts it.",
)
choices.ask_picture(*evidence.pictures(), evidence.prepare)
if choices.problem():
    display.show_problem(choices.problem())
with choices.toolbar([6, 2, 2, 1.9, 1.6]) as (methods, classes, network, opacity, options):
    with methods:
        choices.ask_methods()
    with classes:
        choices.ask_classes()
    with network:
        choices.ask_network(networks.embedded())
    with opacity:
        choices.ask_opacity()
    with options, st.popover("Options", width="stretch"):
        choices.ask_view()
        choices.ask_threshold(boxed=True)
        choices.ask_framing()
        forms.offer_variant()

seen = evidence.look(choices.current(), patience=evidence.PATIENCE)
if choices.current().classes == "named" and seen.categories:
    choices.ask_named(seen.categories)
chosen = choices.current()


def show_rows() -> None:
    now = evidence.look(chosen)
    if now.error:
        display.show_problem(now.error)
        return
    for target in now.targets or (-1,):
        if now.targets:
            st.html(f"<h2 class='rowtitle'>{cards.class_line(now, target)}</h2>")
        cards.show_row(now, chosen, target)


def show_more() -> None:
    now = evidence.look(chosen)
    names = ["All scores", "Agreement", "Convergence", "Export"]
    scores, alike, settling, export = choices.tabs(names)
    if scores.open:
        with scores:
            cards.show_scores(now)
    if alike.open:
        with alike:
            cards.show_agreement(now)
    if settling.open:
        with settling:
            cards.show_convergence(now, chosen)
    if export.open:
        with export:
            cards.show_exports(now, chosen)


if not chosen.methods:
    display.show_problem("Choose at least one method above.", "hint")
else:
    watch(show_rows, lambda: evidence.look(chosen).pace)
    seen = evidence.look(chosen)
    if not seen.error:
        display.show_legend(chosen.view, chosen.threshold)
        cards.show_twins(seen)
    if seen.is_mapped:
        show_more()
