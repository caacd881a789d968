"""Tables: means and intervals, the same numbers as LaTeX, CSV, Parquet and Markdown."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from xai_core.findings import results, wording
from xai_core.findings.phrases import inside
from xai_core.report import latex
from xai_core.report.digits import decimals_for, spelled
from xai_core.report.material import Material
from xai_core.titles import joined

COLUMNS = [
    "run", "group", "metric", "metric_title", "better", "method", "method_title", "family",
    "mean", "low", "high", "n", "undefined", "best",
]  # fmt: skip
NUMBERS = ("mean", "low", "high")
IN_ONE_TABLE = 4
"""Metrics side by side on a page of 17.5 cm."""
BOLD = (
    "Bold: the best mean, where it is told apart from every other method (Wilcoxon's signed-rank "
    "test paired by image, Holm-corrected over the comparisons, 5 %)."
)
NO_BOLD = "No method is told apart from all others, so none is bold."
ARROWS = {"higher": " ↑", "lower": " ↓", "": ""}
SETTINGS = "Settings of methods and metrics: in the methods paragraph."


@dataclass(frozen=True)
class Table:
    """Some metrics of one group: `rows` are of `COLUMNS`, the numbers spelled as they are shown."""

    stem: str
    caption: str
    rows: pd.DataFrame

    @property
    def is_ranked(self) -> bool:
        """Whether some metric says which method is better."""
        return bool((self.rows["better"] != "").any())

    @property
    def headline(self) -> str:
        """Who is told apart from every other method, in one sentence."""
        told = self.rows[self.rows["best"]]
        found = {
            str(title): joined([str(name) for name in part["method_title"]])
            for title, part in told.groupby("metric_title", sort=False)
        }
        others = [t for t in dict.fromkeys(self.rows["metric_title"]) if t not in found]
        said = [f"in {inside(title)}: {names}" for title, names in found.items()]
        nobody = f"in {joined([inside(title) for title in others])}: none" if others else ""
        return f"Told apart from every other method {'; '.join([*said, *filter(None, [nobody])])}."


def number_rows(material: Material) -> pd.DataFrame:
    """One row per method and metric (COLUMNS), numbers as text with the digits they deserve.

    `best` is true only for a leader, and its equals on this model, that the paired test tells
    apart from every other method.
    """
    parts = [_metric_rows(material, metric) for metric in material.metrics]
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def _metric_rows(material: Material, metric: str) -> pd.DataFrame:
    rows = results.metric_rows(material.board, material.manifest, metric).copy()
    higher = results.is_higher_better(metric, material.manifest)
    decimals = decimals_for((rows["high"] - rows["low"]) / 2)
    best = told_best(material, metric)
    return rows.assign(
        run=material.name,
        group=material.kind(metric),
        metric_title=results.metric_title(metric, material.manifest).rstrip(" ↑↓"),
        better={True: "higher", False: "lower", None: ""}[higher],
        method_title=rows["name"],
        best=rows["method"].isin(best),
        **{name: [spelled(value, decimals) for value in rows[name]] for name in NUMBERS},
    )


def told_best(material: Material, metric: str) -> set[str]:
    """The method that the paired test tells apart from all others, with its equals; or nobody."""
    return results.surely_best(material.standing(metric)[1], material.board.same)


def tables_of(material: Material) -> Iterator[Table]:
    """The tables of a run: one for each group of metrics, few metrics side by side."""
    rows = number_rows(material)
    for group in dict.fromkeys(rows["group"]):
        own = rows[rows["group"] == group]
        known = list(dict.fromkeys(own["metric"]))
        parts = [known[i : i + IN_ONE_TABLE] for i in range(0, len(known), IN_ONE_TABLE)]
        for number, metrics in enumerate(parts, start=1):
            part = own[own["metric"].isin(metrics)]
            stem = f"{material.stem}-{group}".replace(" ", "-") + (
                f"-{number}" if len(parts) > 1 else ""
            )
            yield Table(stem, _caption(material, group, part), part)


def _caption(material: Material, group: str, rows: pd.DataFrame) -> str:
    counts = sorted({int(n) for n in rows["n"]})
    images = (
        ""
        if counts == [material.images]
        else f"; n = {counts[0]}" + (f" to {counts[-1]} here" if len(counts) > 1 else " here")
    )
    heads = joined(list(dict.fromkeys(rows["metric_title"])))
    caption = wording.board_caption(material.board, material.manifest, False, False)
    undefined, ranked = int(rows["undefined"].sum()), bool(rows["better"].any())
    parts = [
        material.unfinished, f"{group.capitalize()}: {heads}.", caption,
        f"Mean [95 % CI]{images}" + ("; the arrow points to the better side." if ranked else "."),
        BOLD if rows["best"].any() else NO_BOLD if ranked else "",
        f"{undefined} undefined scores enter no mean." if undefined else "", SETTINGS,
    ]  # fmt: skip
    return " ".join(part for part in parts if part)


def as_latex(table: Table) -> str:
    """A table* to \\input, with booktabs; bold where `best`."""
    rows, metrics = table.rows, list(dict.fromkeys(table.rows["metric"]))
    cells = {(r["method"], r["metric"]): r for r in rows.to_dict("records")}
    heads = [latex.stacked(*_head(rows[rows["metric"] == metric])) for metric in metrics]
    titles = dict(zip(rows["method"], rows["method_title"], strict=True))
    body = [
        [latex.escaped(title), *(_cell(cells.get((method, metric))) for metric in metrics)]
        for method, title in titles.items()
    ]
    return latex.tabular(
        ["Method", *heads], body, caption=latex.escaped(table.caption), label=f"tab:{table.stem}"
    )


def _head(rows: pd.DataFrame) -> tuple[str, str]:
    return str(rows["metric_title"].iloc[0]), str(rows["better"].iloc[0])


def _cell(row: Any) -> str:
    if row is None or not row["mean"]:
        return "--"
    shown = {name: row[name].replace("-", "$-$") for name in NUMBERS}
    mean = f"\\textbf{{{shown['mean']}}}" if row["best"] else shown["mean"]
    return f"{mean} {{\\scriptsize [{shown['low']}, {shown['high']}]}}" if row["low"] else mean


def as_csv(rows: pd.DataFrame) -> bytes:
    return rows.to_csv(index=False, lineterminator="\n").encode()


def as_parquet(rows: pd.DataFrame) -> bytes:
    """The same numbers as float64; a missing one is null."""
    numbers = {name: pd.to_numeric(rows[name], errors="coerce") for name in NUMBERS}
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(rows.assign(**numbers), preserve_index=False), sink)
    return sink.getvalue()


def as_markdown(table: Table) -> str:
    """The table for a README; bold where `best`."""
    rows, metrics = table.rows, list(dict.fromkeys(table.rows["metric"]))
    cells = {(r["method"], r["metric"]): r for r in rows.to_dict("records")}
    heads = [_head(rows[rows["metric"] == metric]) for metric in metrics]
    lines = [["Method", *(f"{title}{ARROWS[better]}" for title, better in heads)]]
    lines.append(["---"] * len(lines[0]))
    titles = dict(zip(rows["method"], rows["method_title"], strict=True))
    for method, title in titles.items():
        shown = [_markdown_cell(cells.get((method, metric))) for metric in metrics]
        lines.append([title.replace("|", "\\|"), *shown])
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{body}\n\n{table.caption}\n"


def _markdown_cell(row: Any) -> str:
    if row is None or not row["mean"]:
        return "–"
    mean = f"**{row['mean']}**" if row["best"] else str(row["mean"])
    return f"{mean} [{row['low']}, {row['high']}]" if row["low"] else mean
