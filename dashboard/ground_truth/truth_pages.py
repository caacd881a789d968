"""Truth pages: the tabs below the ranking of the ground-truth page."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st
from drawing import rank_charts, truth_charts
from frame import display
from recipes import facts
from runs import rankings, tables, truths
from runs.former import former_says
from state import choices, run_choice

from ground_truth import asked
from xai_core.findings import superpixel_wording, truth, truth_wording
from xai_core.findings.phrases import not_yours
from xai_core.findings.truth import Truth
from xai_core.titles import percent

SHOWN = 4


def show_more(run_dir: Path, stamp: float, found: Truth) -> None:
    names = ["All benchmarks", "Discriminating power", "Which metrics to trust",
             "Planted shortcut", "Single scenes",
             "Degraded heatmaps", "CAM or SeCAM", "Checks"]  # fmt: skip
    if asked.has_scene():  # a link to a scene leads to it
        choices.open_first("_truth", "Single scenes")
    tabs = dict(zip(names, choices.tabs(names, "_truth"), strict=True))
    shows = {
        "All benchmarks": lambda: show_ranking(found),
        "Discriminating power": lambda: show_power(run_dir, stamp),
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


def not_the_chosen_run(run_dir: Path, found: Truth) -> str:
    """Where the other pages show a run of another model: that this is not about it."""
    runs = tables.runs()
    if not runs:
        return ""
    chosen = run_choice.chosen_run(list(runs))
    if tables.model_of(runs[chosen]) == tables.model_of(run_dir):
        return ""
    own = [path.name for path, _ in truths.truth_of_model(runs[chosen])]
    why = f"Choose {own[0]} for the model of {chosen}." if own else truth_wording.OTHER_MODEL
    return not_yours(found.manifest, found.board.images, chosen, why)


def show_ranking(found: Truth) -> None:
    """Methods x benchmarks, a group of benchmarks at a time."""
    table = truth.ranking_table(found)
    groups = truth.ranking_groups(table, found)
    shown = groups[run_choice.ask_group(list(groups), "Benchmarks")]
    part = table[["Method", *shown]]
    display.show_table(part, "ground_truth", truth_wording.TABLE, whole=table)


def show_power(run_dir: Path, stamp: float) -> None:
    """How many pairs of methods the benchmarks tell apart, and the metrics of the judged run."""
    for place, run in enumerate((truths.judged_run(run_dir), (run_dir, stamp))[::-1]):
        with st.spinner("Testing every pair of methods …"):
            table = truths.power(*run) if run else pd.DataFrame()
        if run is None or table.empty:
            continue
        title = "Benchmarks" if place == 0 else f"Headline metrics of the run {run[0].name}"
        display.show_section(title, rankings.power_says(table))
        chart = rank_charts.draw_power(table)
        display.show_chart(None, chart, f"Discriminating power: {title.lower()}")
        columns = {"title": "Metric", "nulls": "With null baselines", "share": "Share of pairs",
                   "pairs": "Pairs", "apart": "Told apart", "images": "n",
                   "needed": "n needed"}  # fmt: skip
        display.offer_table(table.rename(columns=columns), f"discriminating_power_{place}")
    display.show_note(truth_wording.POWER)


def show_trust(run_dir: Path, found: Truth) -> None:
    """How far each metric ranks the methods as the benchmarks do."""
    judged = truths.judged_run(run_dir)
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
    table = truths.sticker_shares(run_dir, stamp)
    if table.empty:
        display.show_problem("This run holds no planted shortcut.", "hint")
        return
    checks = truths.truth_facts(run_dir, stamp).get("stickers", {})
    display.show_answer(truth_wording.sticker_sentences(checks))
    chart = truth_charts.draw_shares(table)
    display.show_chart(st.container(), chart, "Attribution on the sticker for both models")
    display.show_note(truth_wording.SHORTCUT)


def show_scene(run_dir: Path, stamp: float) -> None:
    """One scene: what its parts mean to the model, and what the maps show."""
    book = truths.scene_book(run_dir, stamp)
    if book is None or not book.pages:
        display.show_problem("This run holds no single scenes.", "hint")
        return
    pages = {page["name"]: page for page in book.pages}
    scene, part, _ = st.columns([2, 2, 4])
    with scene:
        titles = {n: f"{p['fruit']}, level {p['level']}" for n, p in pages.items()}
        page = pages[asked.ask_scene(titles)]
    with part:
        order = sorted(page["units"], key=lambda unit: -unit["importance"])
        unit_titles = {unit["name"]: truth_wording.unit_title(unit["name"]) for unit in order}
        unit = asked.ask_part(unit_titles)
    entry = next(u for u in page["units"] if u["name"] == unit)
    methods = [m for m in choices.current().methods if m in page["methods"]]
    methods = (methods or list(page["methods"]))[:SHOWN]
    grid = st.grid(2 + len(methods), min_column_width=150)
    title = f"{page['target']} {percent(page['probability'])}"
    without = f"without {unit_titles[unit]}: {percent(entry['probability'])}"
    images = [(book.picture(page).read_bytes(), title),
                (book.picture(page, unit).read_bytes(), without)]  # fmt: skip
    opacity = choices.current().opacity
    images += [
        (truths.scene_map(run_dir, stamp, page["name"], m, opacity), page["methods"][m])
        for m in methods
    ]
    for image, text in images:
        with grid.cell():
            st.image(image, width="stretch", alt=text)
            display.show_note(text)
    chart = truth_charts.draw_parts(page, methods)
    display.show_chart(st.container(), chart, "Importance of the parts and attribution on them")
    display.show_note(truth_wording.scene_caption(page))


def show_declines(run_dir: Path, stamp: float, found: Truth) -> None:
    """What each metric makes of a good map that gets worse in known steps."""
    declines = truths.truth_facts(run_dir, stamp).get("declines", [])
    if not declines:
        display.show_problem("This run degraded no heatmaps.", "hint")
        return
    metrics = dict.fromkeys(row["metric"] for row in declines)
    known = truth.names_of(found.manifest)
    titles = {m: known.get(m) or facts.label_of(m, "metrics") for m in metrics}
    with st.columns([2, 6])[0]:
        metric = asked.ask_checked(titles)
    left, right = st.columns([3, 2])
    chart = truth_charts.draw_declines(declines, metric, titles[metric])
    display.show_chart(left, chart, f"{titles[metric]} while a good heatmap is degraded")
    with right:
        table = truth_wording.decline_table(declines, titles)
        display.show_table(table, "maps_made_worse", truth_wording.DECLINES)


def show_superpixels(run_dir: Path, stamp: float) -> None:
    """What SeCAM gains over CAM and over its controls in the benchmarks, from the data."""
    answer = truths.superpixel_answer_of(((run_dir, stamp),))
    display.show_answer(answer.sentences, "<br>")
    if len(answer.table):
        if answer.controls:
            display.show_note(answer.controls)
        display.show_table(answer.for_people(), "cam_secam_truth", superpixel_wording.CAPTION)


def show_checks(run_dir: Path, stamp: float) -> None:
    """What must hold for the scores to mean what they say."""
    table = truth.check_rows(truths.truth_facts(run_dir, stamp))
    display.show_table(table, "checks", truth_wording.CHECKS)
    other = truths.other_truth(run_dir, stamp)
    if other is not None:
        _show_other_model(run_dir, stamp, *other)


def _show_other_model(run_dir: Path, stamp: float, other: Path, at_other: float) -> None:
    """The order of the methods on another model, unless its values are those of a former code."""
    if said := former_says(tables.manifest(other, at_other)):
        display.show_note(truth_wording.NOT_COMPARED.format(run=other.name, said=said))
        return
    found = truths.two_seeds(run_dir, stamp, other, at_other)
    titles = truth.names_of(tables.manifest(run_dir, stamp)) | {"all": "Benchmark rank over these"}
    rows = pd.DataFrame(
        {
            "Benchmark": [titles.get(str(name), str(name)) for name in found.agreement.index],
            "Kendall's τ-b": found.agreement["tau"].to_numpy(),
            "CI low": found.agreement["low"].to_numpy(),
            "CI high": found.agreement["high"].to_numpy(),
        }
    )
    display.show_table(rows, "two_seeds", truth_wording.two_seeds(found))
