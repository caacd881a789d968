"""Truth pages: the tabs below the ranking of the ground-truth page."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st
from drawing import truth_charts
from frame import display
from recipes import facts
from runs import cached, superpixel_wording, truth, truth_wording
from runs.truth import Truth
from state import choices

SHOWN = 4


def show_more(run_dir: Path, stamp: float, found: Truth) -> None:
    names = ["All benchmarks", "Which metrics to trust", "Planted shortcut", "Single scenes",
             "Degraded heatmaps", "CAM or SeCAM", "Checks"]  # fmt: skip
    tabs = dict(zip(names, choices.tabs(names, "_truth"), strict=True))
    shows = {
        "All benchmarks": lambda: display.show_table(
            truth.ranking_table(found), "ground_truth", truth_wording.TABLE
        ),
        "Which metrics to trust": lambda: show_trust(run_dir, found),
        "Planted shortcut": lambda: show_shortcut(run_dir, stamp),
        "Single scenes": lambda: show_scene(run_dir, stamp),
        "Degraded heatmaps": lambda: show_declines(run_dir, stamp, found),
        "CAM or SeCAM": lambda: show_superpixels(run_dir, stamp),
        "Checks": lambda: show_checks(run_dir, stamp),
    }
    for name, tab in tabs.items():
        if tab.open:
            with tab:
                shows[name]()


def show_trust(run_dir: Path, found: Truth) -> None:
    """How far each metric ranks the methods as the benchmarks do."""
    judged = cached.judged_run(run_dir)
    if found.trusted.empty:
        display.show_problem(truth_wording.nothing_to_trust(judged is not None), "hint")
        return
    titles = truth.names_of(found.manifest)
    titles |= {m: facts.label_of(m, "metrics") for m in found.trusted["metric"]}
    chart = truth_charts.draw_trust(found.trusted, titles)
    display.show_chart(None, chart, "Agreement of each metric with the known truth")
    display.show_note(
        truth_wording.TRUST.format(
            run=judged[0].name if judged else "another run",
            methods=int(found.trusted["methods"].max()),
        )
    )
    table = found.by_benchmark.rename(index=titles, columns=titles).reset_index(names="Metric")
    display.show_table(table, "trust_by_benchmark", truth_wording.TRUST_TABLE)


def show_shortcut(run_dir: Path, stamp: float) -> None:
    """Both models' share of the attribution on the sticker, and how the use was verified."""
    table = cached.sticker_shares(run_dir, stamp)
    if table.empty:
        display.show_problem("This run holds no planted shortcut.", "hint")
        return
    checks = cached.truth_facts(run_dir, stamp).get("stickers", {})
    display.show_answer(truth_wording.sticker_sentences(checks))
    chart = truth_charts.draw_shares(table)
    display.show_chart(st.container(), chart, "Attribution on the sticker for both models")
    display.show_note(truth_wording.SHORTCUT)


def show_scene(run_dir: Path, stamp: float) -> None:
    """One scene: what its parts mean to the model, and what the maps show."""
    book = cached.scene_book(run_dir, stamp)
    if book is None or not book.pages:
        display.show_problem("This run holds no single scenes.", "hint")
        return
    pages = {page["name"]: page for page in book.pages}
    scene, part, _ = st.columns([2, 2, 4])
    with scene:
        titles = {n: f"{p['fruit']}, level {p['level']}" for n, p in pages.items()}
        page = pages[choices.ask_scene(titles)]
    with part:
        order = sorted(page["units"], key=lambda unit: -unit["importance"])
        unit_titles = {unit["name"]: truth_wording.unit_title(unit["name"]) for unit in order}
        unit = choices.ask_part(unit_titles)
    entry = next(u for u in page["units"] if u["name"] == unit)
    methods = [m for m in choices.current().methods if m in page["methods"]]
    methods = (methods or list(page["methods"]))[:SHOWN]
    grid = st.grid(2 + len(methods), min_column_width=150)
    title = f"{page['target']} {page['probability']:.0%}"
    without = f"without {unit_titles[unit]}: {entry['probability']:.0%}"
    pictures = [(book.picture(page).read_bytes(), title),
                (book.picture(page, unit).read_bytes(), without)]  # fmt: skip
    opacity = choices.current().opacity
    pictures += [
        (cached.scene_map(run_dir, stamp, page["name"], m, opacity), page["methods"][m])
        for m in methods
    ]
    for picture, text in pictures:
        with grid.cell():
            st.image(picture, width="stretch", alt=text)
            display.show_note(text)
    chart = truth_charts.draw_parts(page, methods)
    display.show_chart(st.container(), chart, "Importance of the parts and attribution on them")
    display.show_note(truth_wording.scene_caption(page))


def show_declines(run_dir: Path, stamp: float, found: Truth) -> None:
    """What each metric makes of a good map that gets worse in known steps."""
    declines = cached.truth_facts(run_dir, stamp).get("declines", [])
    if not declines:
        display.show_problem("This run degraded no heatmaps.", "hint")
        return
    metrics = dict.fromkeys(row["metric"] for row in declines)
    known = truth.names_of(found.manifest)
    titles = {m: known.get(m) or facts.label_of(m, "metrics") for m in metrics}
    with st.columns([2, 6])[0]:
        metric = choices.ask_checked(titles)
    left, right = st.columns([3, 2])
    chart = truth_charts.draw_declines(declines, metric, titles[metric])
    display.show_chart(left, chart, f"{titles[metric]} while a good heatmap is degraded")
    with right:
        table = truth_wording.decline_table(declines, titles)
        display.show_table(table, "maps_made_worse", truth_wording.DECLINES)


def show_superpixels(run_dir: Path, stamp: float) -> None:
    """What SeCAM gains over CAM and over its controls in the benchmarks, from the data."""
    answer = cached.superpixel_answer_of(((run_dir, stamp),))
    display.show_answer(answer.sentences, "<br>")
    if len(answer.table):
        if answer.controls:
            display.show_note(answer.controls)
        display.show_table(answer.for_people(), "cam_secam_truth", superpixel_wording.CAPTION)


def show_checks(run_dir: Path, stamp: float) -> None:
    """What must hold for the scores to mean what they say."""
    table = truth.check_rows(cached.truth_facts(run_dir, stamp))
    display.show_table(table, "checks", truth_wording.CHECKS)
    other = cached.other_network(run_dir, stamp)
    if other is not None:
        titles = truth.names_of(cached.manifest(run_dir, stamp)) | {
            "all": "Benchmark rank over these"
        }
        rows = pd.DataFrame(
            {
                "Benchmark": [titles.get(name, name) for name in other.agreement],
                "Spearman": list(other.agreement.values()),
            }
        )
        display.show_table(rows, "two_networks", truth_wording.two_networks(other))
