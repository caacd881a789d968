"""Channel cards: the channels behind one prediction, what excites them, and how that is drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import streamlit as st
from compute.questions import ChannelMeans, Channels, Question, Synthesis
from frame import display, evidence
from frame.evidence import About, Evidence
from frame.watching import SLOW
from runs import cached, drawn_images, shipped_maps
from state import choices
from state.choices import Choices

from features import asked
from xai_core.evaluation.feature_book import FeatureBook
from xai_core.images import heatmap
from xai_core.images.reading import RGB, Floats, InputFormat, map_on_photo
from xai_core.titles import percent

EXAMPLES = 4
STEPS = 96
EXPLANATION = (
    "Left: where the channel is active on this image. Middle: the Orchard images on which its "
    "mean activation is largest. Right: an image optimised from noise to excite it "
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
    """All that is known now about the channels behind a image's classes."""

    seen: Evidence
    parts: tuple[Part, ...] = ()
    pace: float | None = None
    error: str = ""


def chosen() -> Choices:
    """The choices of the page: no method is shown on it."""
    return replace(choices.current(), methods=())


def look(chosen: Choices) -> Features:
    """All that is known now; what is missing is computed in the background."""
    seen = evidence.look(chosen)
    if seen.error or not seen.targets:
        return Features(seen, pace=seen.pace, error=seen.error)
    about = About(chosen.model, seen.photo.sha256, chosen.framing, seen.photo)
    count = asked.channels()
    questions: list[Question] = [Channels(*about, target, count) for target in seen.targets]
    desk, session, book = cached.desk(), choices.session(), _book_of(seen, chosen)
    samples = drawn_images.orchard_singles()
    means = ChannelMeans(
        chosen.model,
        "orchard",
        chosen.framing,
        seen.photo,
        tuple(drawn_images.sample_photo(sample.id) for sample in samples) if book is None else (),
    )
    if book is None:
        questions.append(means)
    known = desk.ask(session, questions)
    found = [known[q] for q in questions if isinstance(q, Channels) and q in known]
    broken = next((answer.error for answer in found if answer.error), "")
    if broken:
        return Features(seen, error=broken)
    indices = list(dict.fromkeys(i for answer in found for i in answer.value["channels"]))
    drawings = {i: drawn for i in indices if book and (drawn := book.drawing(i)) is not None}
    if asked.wants_synthesis():
        questions += [
            Synthesis(chosen.model, "synthesis", chosen.framing, seen.photo, index, STEPS)
            for index in indices
            if index not in drawings
        ]
    known = desk.ask(session, questions)
    for question in questions:
        if isinstance(question, Synthesis) and question in known:
            drawings[question.channel] = known[question].value
    table = known[means].value if means in known else None
    names = [sample.id for sample in samples]
    parts = []
    for question in questions:
        if not isinstance(question, Channels) or question not in known:
            continue
        told = known[question].value
        channels = tuple(
            Channel(
                index,
                share,
                share / told["logit"] if told["logit"] else 0.0,
                values,
                _shipped_examples(book, index) if book else _examples(table, index, names),
                drawings.get(index),
            )
            for index, share, values in zip(
                told["channels"], told["shares"], told["maps"], strict=True
            )
        )
        parts.append(Part(question.target, told["logit"], told["bias"], told["all"], channels))
    waiting = any(question not in known for question in questions)
    return Features(seen, tuple(parts), pace=SLOW if waiting else None)


def _book_of(seen: Evidence, chosen: Choices) -> FeatureBook | None:
    """The shipped channels, where they are those of this model as the page shows it."""
    book = shipped_maps.feature_book()
    fits = book is not None and book.classifier["fingerprint"] == seen.fingerprint
    return book if fits and chosen.framing == "whole" else None


def _shipped_examples(book: FeatureBook, channel: int) -> tuple[str, ...]:
    return tuple(Path(name).stem for name in book.examples(channel, EXAMPLES))


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
    """One row: the activation, the images that excite the channel, the synthesised one."""
    rgb = heatmap.fitted(seen.photo.rgb, 320)
    height, width = rgb.shape[:2]
    form = InputFormat(**dict(seen.form))
    large = heatmap.enlarged(channel.map, form.size, form.size)
    shown = heatmap.overlay(rgb, map_on_photo(large, height, width, form, chosen.framing), 0.7)
    grid = st.grid(EXAMPLES + 2, min_column_width=110)
    with grid.cell():
        name = f"activation of channel {channel.index}"
        st.image(heatmap.encoded(shown, ".jpg"), width="stretch", alt=name)
        st.html(
            f"<div class='card'><h3>Channel {channel.index}</h3><p class='note'>adds "
            f"{channel.share:+.2f}, {percent(channel.fraction)} of the logit</p></div>"
        )
    for place, example in enumerate(channel.examples or (None,) * EXAMPLES):
        with grid.cell():
            if example is None:
                st.html("<div class='waiting'></div>")
                continue
            photo = drawn_images.sample_photo(example)
            image = drawn_images.shown_photo(photo, photo.sha256)
            st.image(image, width="stretch", alt=f"excites the channel: {example}")
            if place == 0:
                display.show_note("these excite it most")
    with grid.cell():
        if channel.synthesis is not None:
            content = heatmap.encoded(channel.synthesis, ".jpg")
            name = f"image optimised for channel {channel.index}"
            st.image(content, width="stretch", alt=name)
            display.show_note("optimised from noise")
        elif with_synthesis:
            st.html("<div class='waiting'></div>")
        else:
            display.show_note("not drawn yet: switch synthesising on above")
