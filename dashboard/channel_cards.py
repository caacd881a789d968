"""Channel cards: the channels behind one prediction, what excites them, and how that is drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cached
import choices
import display
import evidence
import numpy as np
import streamlit as st
from choices import Choices
from evidence import About, Evidence
from explaining import ChannelMeans, Channels, Question, Synthesis

from xai_core import heatmap
from xai_core.images import RGB, Floats, InputFormat, map_on_photo

EXAMPLES = 4
STEPS = 96
EXPLANATION = (
    "Left: where the channel is active on this picture. Middle: the Orchard pictures on which its "
    "mean activation is largest. Right, on demand: a picture optimised from noise to excite it "
    f"({STEPS} steps, seed 0); it shows one thing that the channel likes, not all."
)


@dataclass(frozen=True)
class Channel:
    """One channel: what it adds to the logit, where it is active, what excites it."""

    index: int
    share: float
    fraction: float
    map: Floats
    examples: tuple[str, ...]
    synthesis: RGB | None


@dataclass(frozen=True)
class Part:
    """One class: its logit, the bias in it, and the channels that add most."""

    target: int
    logit: float
    bias: float
    count: int
    channels: tuple[Channel, ...]


@dataclass(frozen=True)
class Features:
    """All that is known now about the channels behind a picture's classes."""

    seen: Evidence
    parts: tuple[Part, ...] = ()
    pending: bool = False
    error: str = ""


def chosen() -> Choices:
    """The choices of the page: no method is shown on it."""
    return replace(choices.current(), methods=())


def look(chosen: Choices) -> Features:
    """All that is known now; what is missing is computed in the background."""
    seen = evidence.look(chosen)
    if seen.error or not seen.targets:
        return Features(seen, pending=seen.pending, error=seen.error)
    about = About(chosen.network, seen.photo.sha256, chosen.framing, seen.photo)
    count = choices.channels()
    first: list[Question] = [Channels(*about, target, count) for target in seen.targets]
    means = ChannelMeans(
        chosen.network,
        "orchard",
        chosen.framing,
        seen.photo,
        tuple(cached.sample_photo(sample.id) for sample in cached.orchard_singles()),
    )
    desk, session = cached.desk(), choices.session()
    known = desk.ask(session, [*first, means])
    found = [known[question] for question in first if question in known]
    broken = next((answer.error for answer in found if answer.error), "")
    if broken:
        return Features(seen, error=broken)
    indices = [channel for answer in found for channel in answer.value["channels"]]
    drawn: list[Question] = []
    if choices.wants_synthesis():
        drawn = [
            Synthesis(chosen.network, "synthesis", chosen.framing, seen.photo, index, STEPS)
            for index in dict.fromkeys(indices)
        ]
    known = desk.ask(session, [*first, means, *drawn])
    table = known[means].value if means in known else None
    names = [sample.id for sample in cached.orchard_singles()]
    pictures = {q.channel: known[q].value for q in drawn if q in known and isinstance(q, Synthesis)}
    parts = []
    for target, question in zip(seen.targets, first, strict=True):
        if question not in known:
            continue
        told = known[question].value
        channels = tuple(
            Channel(
                index,
                share,
                share / told["logit"] if told["logit"] else 0.0,
                values,
                _examples(table, index, names),
                pictures.get(index),
            )
            for index, share, values in zip(
                told["channels"], told["shares"], told["maps"], strict=True
            )
        )
        parts.append(Part(target, told["logit"], told["bias"], told["all"], channels))
    asked = [*first, means, *drawn]
    return Features(seen, tuple(parts), pending=any(question not in known for question in asked))


def _examples(table: Floats | None, channel: int, names: list[str]) -> tuple[str, ...]:
    if table is None:
        return ()
    return tuple(names[i] for i in np.argsort(-table[:, channel])[:EXAMPLES])


def caption(part: Part) -> str:
    """How much of the logit the shown channels carry."""
    carried = sum(channel.share for channel in part.channels)
    return (
        f"Logit {part.logit:.2f} = bias {part.bias:.2f} + {part.count} channels; the "
        f"{len(part.channels)} shown add {carried:.2f}."
    )


def show_channel(seen: Evidence, chosen: Choices, channel: Channel, with_synthesis: bool) -> None:
    """One row: the activation, the pictures that excite the channel, the synthesised one."""
    rgb = heatmap.fitted(seen.photo.rgb, 320)
    height, width = rgb.shape[:2]
    form = InputFormat(**dict(seen.form))
    large = heatmap.enlarged(channel.map, form.size, form.size)
    shown = heatmap.overlay(rgb, map_on_photo(large, height, width, form, chosen.framing), 0.7)
    grid = st.grid(EXAMPLES + 1 + with_synthesis, min_column_width=110)
    with grid.cell():
        name = f"activation of channel {channel.index}"
        st.image(heatmap.encoded(shown, ".jpg"), width="stretch", alt=name)
        st.html(
            f"<div class='card'><h3>Channel {channel.index}</h3><p class='note'>adds "
            f"{channel.share:+.2f}, {channel.fraction:.0%} of the logit</p></div>"
        )
    for example in channel.examples or (None,) * EXAMPLES:
        with grid.cell():
            if example is None:
                st.html("<div class='waiting'></div>")
                continue
            photo = cached.sample_photo(example)
            picture = cached.shown_photo(photo, photo.sha256, 320)
            st.image(picture, width="stretch", alt=f"excites the channel: {example}")
    if with_synthesis:
        with grid.cell():
            if channel.synthesis is None:
                st.html("<div class='waiting'></div>")
            else:
                content = heatmap.encoded(channel.synthesis, ".jpg")
                name = f"picture optimised for channel {channel.index}"
                st.image(content, width="stretch", alt=name)
                display.show_note("optimised from noise")
