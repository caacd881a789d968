"""How do I take results to a paper and to a talk?"""

from __future__ import annotations

import streamlit as st
from frame import display
from runs import reports, tables
from runs.reports import ReportOrder
from state import run_choice

from report import asked
from xai_core.findings import results
from xai_core.findings.phrases import about, numbered
from xai_core.report.style import WIDTHS

PREVIEWED = ("page", "column", "slide")

display.show_heading(
    "Results for the paper and the talk",
    "Tables, figures, slides, a page that opens offline, methods and references, in one .zip.",
)
known = tables.runs()
if not known:
    display.show_problem(display.NO_RESULTS, "hint")
    raise display.PageEnd
run_choice.chosen_run(list(known))
names = asked.ask_reported_runs(list(known))
if not names:
    display.show_problem("Choose at least one run.", "hint")
    raise display.PageEnd
folders = [known[name] for name in names]
stamps = [tables.run_stamp(folder) for folder in folders]
manifests = [tables.manifest(f, s) for f, s in zip(folders, stamps, strict=True)]
shared = {
    kind: [
        entry["spec"]
        for entry in manifests[0][kind].values()
        if all(entry["spec"] in {e["spec"] for e in m[kind].values()} for m in manifests)
    ]
    for kind in ("methods", "metrics")
}
stems = [str(image["image"]) for image in manifests[0]["images"]]
with st.expander("Methods, metrics, images and widths"):
    methods = asked.ask_reported(
        "methods", {m: results.method_title(m, manifests[0]) for m in shared["methods"]}
    )
    metrics = asked.ask_reported(
        "metrics", {m: results.metric_title(m, manifests[0]) for m in shared["metrics"]}
    )
    images = asked.ask_reported("images", {stem: stem for stem in stems})
    widths = asked.ask_reported(
        "widths", {w.name: f"{w.name} ({w.cm:.3g} cm)" for w in WIDTHS.values()}
    )
    is_transparent = asked.ask_transparent()
chosen_widths = widths or tuple(WIDTHS)
order = ReportOrder(tuple(folders), methods, metrics, images, chosen_widths, is_transparent)
folder = order.folder(stamps)
counts = [(len(m["images"]), m) for m in manifests]
display.show_answer(
    [
        f"{name}: {about(m, n)}, {numbered(len(methods or m['methods']), 'method')}, "
        f"{numbered(len(metrics or m['metrics']), 'metric')}."
        for name, (n, m) in zip(names, counts, strict=True)
    ]
)


def show_report() -> None:
    """The state of the report that these choices ask for, and the report once it is made."""
    report = reports.made(folder)
    if report is None:
        _show_making()
        return
    st.download_button(
        "Download the report", lambda: reports.zipped(report), f"report-{'-'.join(names)}.zip",
        "application/zip", on_click="ignore", type="primary", icon=":material/download:",
    )  # fmt: skip
    for note in reports.notes(report):
        display.show_note(note)
    shown = next(width for width in PREVIEWED if width in order.widths)
    for stem, caption in reports.captions(report).items():
        figure = report / "figures" / f"{stem}-{shown}.png"
        if figure.is_file():
            display.show_section(stem)
            st.image(figure.read_bytes(), alt=caption)
            display.show_note(caption)


def _show_making() -> None:
    if reports.is_at_work(folder):
        display.show_note(f"Making the report: {reports.last_line(folder) or 'starting'} …")
        return
    if said := reports.last_line(folder):
        display.show_problem(said)
    if st.button("Make the report", type="primary", icon=":material/description:"):
        try:
            reports.start(order, folder)
        except OSError as error:
            display.show_problem(f"The report cannot be made: {error.strerror or error}.")
            return
        st.rerun()


def show_progress() -> None:
    show_report()
    if not reports.is_at_work(folder):
        st.rerun()


if reports.is_at_work(folder):
    st.fragment(show_progress, run_every=1.5)()
else:
    show_report()
