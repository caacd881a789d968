"""Pairs: two runs on the same images, by paired tests, as tables and figures of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from xai_core.evaluation.two_runs import TwoRuns, paired_gains, two_runs
from xai_core.findings import results
from xai_core.findings.two_runs_wording import CAPTION, gains_say, problem, shared_says
from xai_core.ground_truth.verdict import ORACLE
from xai_core.report import charts
from xai_core.report.digits import decimals_for, spelled
from xai_core.report.figures import Drawn, file_word, gain_bars, made, tall
from xai_core.report.material import Material
from xai_core.report.style import Width
from xai_core.report.tables import COLUMNS, IN_ONE_TABLE, NUMBERS, Table

BOLD = "Bold: told apart."


@dataclass(frozen=True)
class Pair:
    """Two runs that share images, methods and metrics; `gains`: metric -> `paired_gains`."""

    first: Material
    second: Material
    both: TwoRuns
    gains: dict[str, pd.DataFrame]

    @property
    def name(self) -> str:
        return f"{self.first.name}-and-{self.second.name}"

    @property
    def stem(self) -> str:
        return f"{self.first.stem}-and-{self.second.stem}"

    def says(self, metric: str) -> str:
        names = self.first.name, self.second.name
        return gains_say(self.gains[metric], metric, *names, self.first.manifest)

    @property
    def caption(self) -> str:
        names = self.first.name, self.second.name
        said = [m.unfinished for m in (self.first, self.second) if m.unfinished]
        shared = shared_says(self.both, *names, self.first.manifest)
        return " ".join([*said, shared, CAPTION.format(second=names[1])])


def pairs_of(materials: Sequence[Material]) -> tuple[list[Pair], list[str]]:
    """Every two of the runs, in their order; and why others cannot be paired, one sentence each."""
    pairs, notes = [], []
    for first, second in combinations(materials, 2):
        both = two_runs(first.scores, second.scores, first.manifest, second.manifest)
        if said := problem(both, first.name, second.name):
            notes.append(said)
        else:
            pairs.append(Pair(first, second, both, _gains(first, both)))
    return pairs, notes


def _gains(first: Material, both: TwoRuns) -> dict[str, pd.DataFrame]:
    """The gains in each metric that says which is better; the oracle takes no part."""
    found = {}
    for metric in [metric for metric in first.metrics if metric in both.metrics()]:
        higher = results.is_higher_better(metric, first.manifest)
        if higher is not None:
            table = paired_gains(both, metric, higher)
            found[metric] = table[table["method"] != ORACLE]
    return {metric: table for metric, table in found.items() if len(table)}


def pair_tables(pair: Pair) -> list[Table]:
    """Gains with their intervals, methods by metrics; bold where the paired test tells apart."""
    metrics = list(pair.gains)
    parts = [metrics[i : i + IN_ONE_TABLE] for i in range(0, len(metrics), IN_ONE_TABLE)]
    return [
        Table(
            f"{pair.stem}-{number}" if len(parts) > 1 else pair.stem,
            f"{pair.caption} {BOLD}",
            pd.concat([_rows(pair, metric) for metric in part], ignore_index=True)[COLUMNS],
        )
        for number, part in enumerate(parts, start=1)
    ]


def _rows(pair: Pair, metric: str) -> pd.DataFrame:
    table, manifest = pair.gains[metric], pair.first.manifest
    decimals = decimals_for((table["high"] - table["low"]) / 2)
    values = {"mean": table["gain"], "low": table["low"], "high": table["high"]}
    return table.assign(
        run=pair.name, group="gain", metric=metric,
        metric_title=results.metric_title(metric, manifest).rstrip(" ↑↓"), better="",
        method_title=[pair.first.title(m) for m in table["method"]],
        family=[results.family_of(m, manifest) for m in table["method"]],
        undefined=0, best=table["told_apart"],
        **{name: [spelled(value, decimals) for value in values[name]] for name in NUMBERS},
    )  # fmt: skip


def pair_figures(pair: Pair) -> list[Drawn]:
    """One figure for each of the first run's leading metrics."""
    shown = [metric for metric in pair.first.leading_metrics if metric in pair.gains]
    return [_gain_figure(pair, metric) for metric in shown or list(pair.gains)[:1]]


def _gain_figure(pair: Pair, metric: str) -> Drawn:
    rows = pair.gains[metric].sort_values("gain", ascending=False)
    rows = rows.assign(
        title=[pair.first.title(str(m)) for m in rows["method"]],
        p_holm=rows["p_holm"].where(rows["told_apart"], 1.0),  # grey where the interval disagrees
    )

    def draw(figure: Figure, width: Width, rows: Any = rows) -> None:
        charts.draw_gains(figure, width, rows, pair.second.name, pair.first.name)

    legend = f"{pair.caption} Grey: not told apart."
    native = gain_bars(rows, pair.second.name, pair.first.name, legend)
    return made(
        pair.first, f"and-{pair.second.stem}-{file_word(metric)}", [pair.says(metric)], legend,
        draw, tall(list(rows["title"])), native,
    )  # fmt: skip
