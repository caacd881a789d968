"""Mistake cards: the pieces of the page about a model's own mistakes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import streamlit as st
from compute.questions import NO_PHOTO, MeanMap
from drawing import mistake_charts
from frame import cards, evidence
from frame.display import CHART_CONFIG, offer_chart, show_note, show_problem
from frame.evidence import Evidence, Subject
from frame.watching import SLOW, watch
from recipes import facts
from runs import cached, confusions, costs, drawn_images, run_images, tables
from state import choices, method_choice
from state.choices import Choices

from mistakes import asked, mistakes_wording
from xai_core import headline
from xai_core.findings.phrases import numbered
from xai_core.images import heatmap
from xai_core.images.reading import BadImage
from xai_core.titles import percent

if TYPE_CHECKING:
    import pandas as pd

Methods: TypeAlias = tuple[str, ...]
SHOWN_IMAGES = 24
CHEAP_PASSES = 4
MEAN_PICTURES, MEAN_CLASSES = 24, 24


def ask_confusion(table: pd.DataFrame, names: Sequence[str]) -> None:
    """The confusion matrix; the chosen cell says which images are shown below."""
    rows = confusions.shown_classes(table)
    counts = confusions.confusion(table, len(names))[rows][:, rows]
    shown = confusions.told_apart(names)
    chart = mistake_charts.draw_confusion(counts, [shown[row] for row in rows])
    offer_chart(chart, "Confusion matrix")
    st.plotly_chart(
        chart,
        width="stretch",
        on_select=partial(asked.take_confusion, rows),
        selection_mode="points",
        config=CHART_CONFIG,
        key=asked.CONFUSION,
        alt="Confusion matrix: rows are the true classes, columns what the model predicted",
    )
    if note := confusions.left_out_says(table, len(rows), len(names)):
        show_note(note)


def ask_image(table: pd.DataFrame, names: Sequence[str]) -> dict[str, Any] | None:
    """The images of a confusion, or the most confident errors; returns the one looked at."""
    pairs = {"": "The most confident errors"} | confusions.confusion_pairs(table, names)
    left, right = st.columns([2, 5], vertical_alignment="bottom")
    with left:
        chosen = asked.ask_confusion(pairs)
    rows = confusions.confident_mistakes(table)
    if chosen:
        label, predicted = map(int, chosen.split("-"))
        rows = table[(table["label"] == label) & (table["predicted"] == predicted)]
    with right:
        more = f"; the first {SHOWN_IMAGES} are shown" if len(rows) > SHOWN_IMAGES else ""
        show_note(f"n = {numbered(len(rows), 'image')}{more}. Choose one to see the evidence.")
    listed = [*rows["image"].head(SHOWN_IMAGES)]
    if asked.mistake() in set(rows["image"]):  # a link may name one that is not among the first
        listed = list(dict.fromkeys([*listed, asked.mistake()]))
    shown = table.set_index("image", drop=False).loc[listed]
    titles = {
        row["image"]: (f"{names[row['label']]}, predicted {names[row['predicted']]}", thumbnail)
        for row in shown.to_dict("records")
        if (thumbnail := drawn_images.run_thumbnail(run_images.file_of(row), row["sha256"]))
    }
    if not titles:
        show_problem(
            "None of these images is where it was when it was evaluated."
            if len(shown)
            else "The model makes no mistake on these images.",
            "hint",
        )
        return None
    image = asked.ask_mistake(titles)
    found = table[table["image"] == image].iloc[0]
    return {**found, "label": int(found["label"]), "predicted": int(found["predicted"])}


def ask_methods(run_dir: Path | None) -> tuple[str, ...]:
    """Which of the run's own methods are looked at, first those of the headline; where it has
    only one, those that are chosen on other pages."""
    stamp = tables.run_stamp(run_dir) if run_dir is not None else 0.0
    if run_dir is None or not stamp:
        return ()
    methods = {e["spec"]: e["label"] for e in tables.manifest(run_dir, stamp)["methods"].values()}
    first: Sequence[str] = headline.METHODS
    if len(methods) < 2:  # "Find the mistakes" explains by one method only
        first = choices.current().methods
        methods = {spec: facts.label_of(spec) for spec in first}
    return tuple(method_choice.ask_shown(methods, first))


def choices_for(image: dict[str, Any], manifest: dict[str, Any], methods: Methods) -> Choices:
    """What is looked at: predicted and true class of an image, by the run's model and methods."""
    return replace(
        choices.current(),
        methods=methods,
        image=image["image"],
        model=manifest.get("source") or manifest["classifier"]["name"],
        framing=manifest["framing"],
        classes="true",
        view="overlay",
    )


def look(image: dict[str, Any], manifest: dict[str, Any], methods: Methods) -> Evidence:
    """What is known of the image now; raises BadImage where it has gone or was changed."""
    names = tuple(manifest["classifier"]["categories"])
    photo = drawn_images.run_photo(run_images.file_of(image), image["sha256"])
    subject = Subject(photo, names[image["label"]], image["label"])
    seen = evidence.look(choices_for(image, manifest, methods), (), subject)
    if seen.fingerprint and seen.fingerprint != manifest["classifier"]["fingerprint"]:
        return replace(seen, error=mistakes_wording.OTHER_NETWORK, cells=(), targets=(), pace=None)
    return replace(seen, categories=names) if seen.categories else seen


def show_evidence(image: dict[str, Any], manifest: dict[str, Any], methods: Methods) -> None:
    """Predicted against true class by every chosen method, and the difference."""
    try:
        look(image, manifest, methods)
    except BadImage as error:
        show_problem(str(error))
        return

    def show() -> None:
        seen, chosen = look(image, manifest, methods), choices_for(image, manifest, methods)
        if seen.error:
            show_problem(seen.error)
            return
        for target in seen.targets or (-1,):
            if seen.targets:
                st.html(f"<h2 class='rowtitle'>{cards.class_line(seen, target)}</h2>")
            cards.show_row(seen, chosen, target, ())
        cards.show_contrast(seen, chosen)

    watch(show, lambda: look(image, manifest, methods).pace)


def show_off_object(table: pd.DataFrame, scores: pd.DataFrame, manifest: dict[str, Any]) -> None:
    """The images on which a method's positive relevance lies outside the object."""
    scored = set(scores.loc[scores["metric"] == "relevance_mass", "method"])
    known = {e["spec"]: e["label"] for e in manifest["methods"].values() if e["spec"] in scored}
    if not known:
        show_problem(mistakes_wording.NO_MASKS, "hint")
        return
    method = asked.ask_off_object(known)
    rows = confusions.off_object(scores, method).head(9)
    show_note(mistakes_wording.OFF_OBJECT)
    grid = st.grid(9, min_column_width=110)
    for number, row in enumerate(rows.to_dict("records")):
        with grid.cell():
            file = run_images.file_by_sha256(row["image_sha256"], manifest)
            if file is not None:
                st.image(file.read_bytes(), width="stretch", alt=row["image"])
            said = manifest["classifier"]["categories"][row["predicted"]]
            st.html(
                f"<div class='card'><h3>{percent(row['outside'])} outside</h3>"
                f"<p class='note'>predicted {escape(said)}</p></div>"
            )
            if row["image"] in set(table["image"]):
                st.button(
                    "Look",
                    key=asked.off_object_key(number),
                    on_click=asked.take_mistake,
                    args=(row["image"], f"{row['label']}-{row['predicted']}"),
                )


def show_mean_maps(table: pd.DataFrame, manifest: dict[str, Any], methods: Methods) -> None:
    """The mean map of each class over its images, for the class itself."""
    known = _cheap(methods)
    method = asked.ask_mean_method(known)
    model = manifest.get("source") or manifest["classifier"]["name"]
    questions = _mean_questions(table, manifest, model, method)
    desk, session = cached.desk(), choices.session("means")

    def show() -> None:
        answers = desk.ask(session, questions)
        names = manifest["classifier"]["categories"]
        grid = st.grid(8, min_column_width=126)
        for question in questions:
            answer = answers.get(question)
            with grid.cell():
                if answer is None:
                    st.html("<div class='waiting'></div>")
                elif answer.error:
                    show_problem(answer.error)
                    continue
                else:
                    value, opacity = answer.value, choices.current().opacity
                    image = heatmap.overlay(value["image"], value["map"], opacity)
                    st.image(
                        heatmap.encoded(heatmap.fitted(image, drawn_images.DISPLAY_PX), ".jpg"),
                        width="stretch",
                        alt=f"mean {facts.label_of(method)} for {names[question.target]}",
                    )
                said = "computing …" if answer is None else f"mean of {len(question.files)}"
                st.html(
                    f"<div class='card'><h3>{escape(names[question.target])}</h3>"
                    f"<p class='note'>{said}</p></div>"
                )

    watch(show, lambda: SLOW if len(desk.ask(session, questions)) < len(questions) else None)
    show_note(mistakes_wording.MEAN_MAPS.format(most=MEAN_PICTURES))


def _cheap(methods: Sequence[str]) -> Mapping[str, str]:
    """The chosen methods of few passes, whose maps depend on the class; CAM where there is none."""
    cheap = [m for m in methods if 0 < (costs.passes_of(m) or 0) <= CHEAP_PASSES]
    fitting = [m for m in cheap if facts.is_class_sensitive(m)]
    return {m: facts.label_of(m) for m in dict.fromkeys([*fitting, "grad_cam"])}


def _mean_questions(
    table: pd.DataFrame, manifest: dict[str, Any], model: str, method: str
) -> list[MeanMap]:
    questions = []
    for label in sorted(table["label"].value_counts().index[:MEAN_CLASSES]):
        own = table[table["label"] == label].head(MEAN_PICTURES)
        there = [
            (run_images.file_of(row), row["sha256"])
            for row in own.to_dict("records")
            if run_images.file_of(row).is_file()
        ]
        if not there:
            continue
        files, shas = zip(*there, strict=True)
        together = hashlib.sha256("/".join(shas).encode()).hexdigest()
        questions.append(
            MeanMap(
                model, together, manifest["framing"], NO_PHOTO, method, int(label), tuple(files)
            )
        )
    return questions
