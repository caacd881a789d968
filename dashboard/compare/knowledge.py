"""Knowledge: what the model can name, said beside an image that may show something else."""

from __future__ import annotations

import streamlit as st
from frame.evidence import Evidence
from state import model_choice, named_models

from xai_core.models import recognised


def says(name: str, categories: tuple[str, ...]) -> str:
    """How many classes, which, and what that means for another image."""
    known = recognised.knows(categories, "softmax", named_models.kind_of(name))
    return recognised.says(name, known)


def show_knowledge(seen: Evidence) -> None:
    """Beside an image of the user's own, where the model is one for fruits."""
    if seen.label is not None or seen.model not in named_models.embedded() or not seen.categories:
        return
    with st.container(key="knowledge", horizontal=True, vertical_alignment="center"):
        st.html(f"<div class='hint' role='status'>{says(seen.model, seen.categories)}</div>")
        for offer in named_models.everyday():
            st.button(
                f"Use {offer.title}",
                key=f"_everyday.{offer.name}",
                on_click=model_choice.take_model,
                args=(offer.name,),
                help=offer.help,
            )
        model_choice.offer_adding("Use my own model")
