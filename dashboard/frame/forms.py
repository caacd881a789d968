"""Forms: one widget per setting of a recipe, with its help and its range."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import streamlit as st
from recipes import facts
from recipes.facts import Kind
from state import method_choice

from frame import display
from frame.watching import QUICK, watch
from xai_core.recipe import Setting, Value

LAYER = "stage"
"""The setting that names the target layer."""
Stages = Callable[[], Sequence[str] | None]
"""The model's stages: none where they cannot be known, None while the model is loaded for it."""


def ask_settings(name: str, kind: Kind = "methods", stages: Stages = tuple) -> str:
    """The settings of one recipe as widgets; returns the spec they spell.

    The target layer is chosen from the model's stages; who has no such setting asks for none.
    """
    settings = {k: s for k, s in facts.facts(kind)[name].settings.items() if s.changes_result}
    known = stages() if LAYER in settings else ()
    if known is None or known:
        settings[LAYER] = replace(settings[LAYER], choices=("", *(known or ())))
    values = {field: _ask(name, field, rule) for field, rule in settings.items()}
    if known is None:
        _wait_for(stages)
    return facts.spec_of(name, values, kind)


def offer_variant(kind: Kind = "methods", stages: Stages = tuple) -> None:
    """A method or metric with other settings, and a button that adds it to the chosen ones."""
    spec = ask_settings(method_choice.ask_variant(kind), kind, stages)
    label = f"Add this {method_choice.VARIANT_OF[kind]}"
    st.button(label, on_click=method_choice.add_variant, args=(kind, spec))


def _wait_for(stages: Stages) -> None:
    """Says that the model is loaded; the page is drawn again when its stages are known."""
    watch(
        lambda: display.show_note("Loading the model …"),
        lambda: QUICK if stages() is None else None,
    )


def _ask(name: str, field: str, rule: Setting) -> Value:
    label = "Target layer" if field == LAYER else field.replace("_", " ").capitalize()
    key = method_choice.setting_key(name, field)
    if rule.choices is not None:
        at = rule.choices.index(str(rule.default))
        shown = st.selectbox(
            label,
            rule.choices,
            index=at,
            key=f"{key}.of{len(rule.choices)}" if field == LAYER else key,
            help=rule.help,
            format_func=lambda value: value or "the last one",
        )
        return str(shown)
    if isinstance(rule.default, bool):
        return bool(st.toggle(label, rule.default, key=key, help=rule.help))
    if isinstance(rule.default, str):
        return str(st.text_input(label, rule.default, key=key, help=rule.help))
    kind = type(rule.default)
    value = st.number_input(
        label,
        min_value=None if rule.low is None else kind(rule.low),
        max_value=None if rule.high is None else kind(rule.high),
        value=rule.default,
        step=1 if kind is int else None,
        key=key,
        help=rule.help,
    )
    return kind(rule.default if value is None else value)
