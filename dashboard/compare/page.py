"""How do the methods explain this image?"""

from __future__ import annotations

from html import escape

import streamlit as st
from frame import cards, display, evidence, forms
from frame.watching import watch
from state import choices, image_choice, look_choice, method_choice, model_choice, named_models

from compare import second_model
from compare.difference import show_difference
from compare.export import show_exports
from compare.knowledge import show_knowledge
from compare.start_cards import show_start
from compare.viewer import show_viewer

display.show_heading(
    "How do the methods explain this image?",
    "One image, one model, many explanations: what supports a class, and what contradicts it.",
)
with st.container():  # its place stays when it is gone: else controls below begin anew
    show_start()
image_choice.ask_image(*evidence.images(), evidence.prepare)
display.show_problems(image_choice.problems())
with choices.toolbar([6, 2, 2.8, 1.6]) as (methods, classes, model, options):
    with methods:
        method_choice.ask_methods()
    with classes:
        look_choice.ask_classes()
    with model:
        model_choice.ask_model(named_models.embedded())
    with options, st.popover("Options", width="stretch"):
        look_choice.ask_view()
        look_choice.ask_threshold(boxed=True)
        look_choice.ask_framing()
        model_choice.ask_second(named_models.embedded())
        forms.offer_variant(stages=lambda: evidence.stages(choices.current()))

seen = evidence.look(choices.current(), patience=evidence.PATIENCE)
if choices.current().classes == "named" and seen.categories:
    look_choice.ask_named(seen.categories)
chosen = choices.current()
show_knowledge(seen)


def looks() -> list[evidence.Evidence]:
    """What each model makes of the image: the first's, and the second's where there is one."""
    now = evidence.look(chosen)
    both = second_model.is_asked(chosen) and bool(now.targets)
    return [now, second_model.look(now, chosen)] if both else [now]


def mapped() -> int:
    return sum(cell.map is not None for now in looks() for cell in now.cells)


def pace() -> float | None:
    return min((now.pace for now in looks() if now.pace is not None), default=None)


def show_rows() -> None:
    now = evidence.look(chosen)
    if now.error:
        display.show_no_model(now.error)
        return
    is_second = second_model.is_asked(chosen)
    name = f"{escape(second_model.names_of(chosen)[0])}: " if is_second else ""
    for target in now.targets or (-1,):
        if now.targets:
            st.html(f"<h2 class='rowtitle'>{name}{cards.class_line(now, target)}</h2>")
        cards.show_row(now, chosen, target, layered=True)
        if is_second and now.targets:
            second_model.show_beside(now, chosen, target)


def show_more() -> None:
    now = evidence.look(chosen)
    names = ["All scores", "Difference", "Agreement", "Convergence", "Export"]
    scores, apart, alike, settling, export = choices.tabs(names)
    if scores.open:
        with scores:
            cards.show_scores(now)
    if apart.open:
        with apart:
            show_difference(now, chosen)
    if alike.open:
        with alike:
            cards.show_agreement(now)
    if settling.open:
        with settling:
            cards.show_convergence(now, chosen)
    if export.open:
        with export:
            show_exports(now, looks()[1:], chosen)


if not chosen.methods:
    display.show_problem("Choose at least one method above.", "hint")
else:
    show_viewer(evidence.look(chosen), looks()[1:], chosen)
    watch(show_rows, pace, mapped)
    seen = evidence.look(chosen)
    if not seen.error:
        display.show_legend(chosen.view, chosen.threshold)
        cards.show_reading(seen, looks()[1:])
    if mapped():
        show_more()
