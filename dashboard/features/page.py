"""Which channels carried this prediction, and what do they respond to?"""

from __future__ import annotations

import streamlit as st
from frame import cards, display, evidence
from frame.watching import watch
from state import choices, image_choice, look_choice, model_choice, named_models

from features import asked, channel_cards

display.show_heading(
    "Which channels carried this prediction, and what do they respond to?",
    "CAM splits the logit of a class over the channels of the last stage exactly: each adds its "
    "weight times its mean activation.",
)
image_choice.ask_image(*evidence.images(), evidence.prepare)
display.show_problems(image_choice.problems())
with choices.toolbar([2, 2, 2, 3]) as (model, classes, count, synthesis):
    with model:
        model_choice.ask_model(named_models.embedded())
    with classes:
        look_choice.ask_classes()
    with count:
        asked.ask_channels()
    with synthesis:
        asked.ask_synthesis()
if choices.current().classes == "named":
    names = evidence.look(channel_cards.chosen()).categories
    if names:
        look_choice.ask_named(names)
chosen = channel_cards.chosen()


def show_channels() -> None:
    now = channel_cards.look(chosen)
    if now.error:
        display.show_no_model(now.error)
        return
    if not now.parts:
        display.show_note("computing …")
        st.skeleton(height=320)
    for part in now.parts:
        st.html(f"<h2 class='rowtitle'>{cards.class_line(now.seen, part.target)}</h2>")
        display.show_note(channel_cards.caption(part))
        for channel in part.channels:
            channel_cards.show_channel(now.seen, chosen, channel, asked.wants_synthesis())


watch(show_channels, lambda: channel_cards.look(chosen).pace)
display.show_note(channel_cards.EXPLANATION)
