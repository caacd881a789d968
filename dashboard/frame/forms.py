"""Forms: one widget per setting of a recipe, with its help and its range."""

from __future__ import annotations

import streamlit as st
from recipes import facts
from recipes.facts import Kind
from state import choices

from xai_core.recipe import Setting, Value


def ask_settings(name: str, kind: Kind = "methods") -> str:
    """The settings of one recipe as widgets; returns the spec they spell."""
    settings = {k: s for k, s in facts.facts(kind)[name].settings.items() if s.changes_result}
    values = {field: _ask(name, field, rule) for field, rule in settings.items()}
    return facts.spec_of(name, values, kind)


def offer_variant(kind: Kind = "methods") -> None:
    """A method or metric with other settings, and a button that adds it to the chosen ones."""
    spec = ask_settings(choices.ask_variant(kind), kind)
    label = f"Add this {choices.VARIANT_OF[kind]}"
    st.button(label, on_click=choices.add_variant, args=(kind, spec))


def offer_checkpoint() -> None:
    """A checkpoint file as the model."""
    network = choices.ask_checkpoint()
    st.button(
        "Use this model",
        disabled=not (network.name and network.architecture),
        on_click=choices.take_network,
        args=(network.spell(),),
    )


def _ask(name: str, field: str, rule: Setting) -> Value:
    label = field.replace("_", " ").capitalize()
    key = choices.setting_key(name, field)
    if rule.choices is not None:
        at = rule.choices.index(str(rule.default))
        return str(st.selectbox(label, rule.choices, index=at, key=key, help=rule.help))
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
