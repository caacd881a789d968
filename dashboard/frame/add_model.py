"""Add a model: one form for every page; what was recognised is shown before it is used."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import Any

import streamlit as st
from compute.questions import Answer, Question
from compute.recognition import Recognised, WeightsLook
from runs import cached
from state import choices, model_choice, named_models
from state.named_models import NamedModel

from frame.display import show_note, show_problem

PATIENCE = 1.0
NO_CODE = "Models from Python files are not run for visitors: ask whoever hosts CAMpare to add it."


def show_if_asked() -> None:
    """The dialog, where a page's button has asked for it."""
    if model_choice.is_adding():
        _show()


@st.dialog("Add a model", width="large", on_dismiss=model_choice.stop_adding)
def _show() -> None:
    """The form, what was recognised, and the button that takes it."""
    model = model_choice.ask_new_model()
    if not model.name:
        show_note("Nothing is loaded before you have seen what was recognised.")
        return
    if named_models.is_hosted() and named_models.runs_code(model.name):
        show_problem(NO_CODE)
        return
    st.fragment(_recognise, run_every=1.0)(model)


def _recognise(model: NamedModel) -> None:
    looked = _asked(WeightsLook.of(model.name))
    if looked is None:
        show_note("Reading the file …")
        return
    if looked.error:
        show_problem(looked.error)
        return
    if looked.value["is_checkpoint"]:
        chosen = model_choice.ask_architecture(looked.value["known"], looked.value["guess"])
        if not chosen:
            show_note("These weights fit no architecture by themselves: choose theirs.")
            return
        model = replace(model, architecture=chosen)
    answer = _asked(Recognised.of(model.spell()))
    if answer is None:
        show_note("Loading the model …")
        return
    if answer.error:
        show_problem(answer.error)
        return
    st.html(says(answer.value))
    if st.button("Use this model", type="primary", on_click=model_choice.use_model, args=(model,)):
        st.rerun()


def says(found: dict[str, Any]) -> str:
    """What was recognised, as HTML: classes, input, outputs, and what was assumed."""
    lines = "".join(
        f"<tr><th scope='row'>{escape(heading)}</th><td>{escape(words)}</td></tr>"
        for heading, words in found["rows"]
    )
    return f"<h3 class='section'>Recognised</h3><table class='settings'>{lines}</table>"


def _asked(question: Question) -> Answer | None:
    return cached.desk().ask(choices.session("model"), [question], PATIENCE).get(question)
