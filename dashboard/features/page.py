"""Which channels carried this prediction, and what do they respond to?"""

from __future__ import annotations

import streamlit as st
from frame import cards, display, evidence
from frame.watching import watch
from state import choices, networks

from features import channel_cards

display.show_heading(
    "Which channels carried this prediction, and what do they respond to?",
    "CAM splits the class score over the channels of the last stage exactly: each adds its weight "
    "times its mean activation.",
)
choices.ask_picture(*evidence.pictures(), evidence.prepare)
if choices.problem():
    display.show_problem(choices.problem())
with choices.toolbar([2, 2, 2, 3]) as (network, classes, count, synthesis):
    with network:
        choices.ask_network(networks.embedded())
    with classes:
        choices.ask_classes()
    with count:
        choices.ask_channels()
    with synthesis:
        choices.ask_synthesis()
if choices.current().classes == "named":
    names = evidence.look(channel_cards.chosen()).categories
    if names:
        choices.ask_named(names)
chosen = channel_cards.chosen()


def show_channels() -> None:
    now = channel_cards.look(chosen)
    if now.error:
        display.show_problem(now.error)
        return
    if not now.parts:
        st.skeleton(height=320)
    for part in now.parts:
        st.html(f"<h2 class='rowtitle'>{cards.class_line(now.seen, part.target)}</h2>")
        display.show_note(channel_cards.caption(part))
        for channel in part.channels:
            channel_cards.show_channel(now.seen, chosen, channel, choices.wants_synthesis())


watch(show_channels, lambda: channel_cards.look(chosen).pace)
display.show_note(channel_cards.EXPLANATION)
