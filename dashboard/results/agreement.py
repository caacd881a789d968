"""Do methods, and metrics, agree?"""

from __future__ import annotations

import streamlit as st
from drawing import charts
from frame import display, results_page
from runs import shipped_maps, standings, tables

from xai_core.findings import agreements, results, wording
from xai_core.findings.phrases import not_yours

display.show_heading(
    "Do methods agree, and do metrics?",
    "Metrics that rank methods differently say different things; so do maps that differ.",
)
shown = results_page.ask_run_and_images([])
found = standings.agreements(shown.run_dir, shown.stamp, shown.filters)
if found.methods < 3:
    display.show_problem("Agreement needs a run with at least three methods.", "hint")
    raise display.PageEnd
names = [results.metric_title(metric, shown.manifest) for metric in found.between.columns]
display.show_answer(wording.agreement_says(found, shown.manifest))
left, right = st.columns([3, 2])
taus, title = found.between.to_numpy(), "Between metrics: Kendall's τ-b"
display.show_chart(left, charts.draw_matrix(taus, names, -1, title, found.intervals))
within = charts.draw_concordance(found.within, names, "Kendall's W: 1 if all images agree")
display.show_chart(right, within, "Agreement of images within each metric")
display.show_note(wording.AGREEMENT.format(methods=found.methods, images=found.images))
table = agreements.pair_table(taus, found.intervals, names, "Kendall's τ-b")
display.offer_table(table, "agreement_of_metrics")

methods, pairs, intervals, images = shipped_maps.map_agreement(shipped_maps.gallery_stamp())
if methods:
    display.show_section(
        "Between methods: the maps themselves",
        "How alike two methods order the pixels of an image.",
    )
    if shown.run_dir != tables.SHIPPED:
        shipped = tables.manifest(tables.SHIPPED, tables.run_stamp(tables.SHIPPED))
        why = "Runs keep scores, not maps."
        display.show_note(not_yours(shipped, images, shown.run_dir.name, why))
    titles = [shown.title_of(method) for method in methods]
    title = "Mean rank correlation of the maps"
    display.show_chart(None, charts.draw_matrix(pairs, titles, -1, title, intervals))
    display.show_note(wording.MAPS.format(images=images))
    table = agreements.pair_table(pairs, intervals, titles, "Spearman")
    display.offer_table(table, "agreement_of_maps")
