"""Versus: one run beside another: other weights, other images, other preprocessing."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
from drawing.charts import ACCENT, MUTED, draw_gains, reach
from drawing.name_tags import PLOT_PX, place_names
from frame.display import (
    show_answer,
    show_chart,
    show_note,
    show_problem,
    show_section,
    show_table,
)
from frame.results_page import Shown
from runs import standings, tables

from results import asked
from xai_core.evaluation.agreement import agreement
from xai_core.evaluation.lead import LEAST_IMAGES
from xai_core.findings import results, two_runs_wording, wording
from xai_core.findings.phrases import about
from xai_core.findings.results import Filters
from xai_core.ground_truth.verdict import ORACLE

ALONE = "There is no other run with this metric: evaluate it with another model or other images."
HEIGHT_PX = 520
CAPTION = (
    "Means with 95 % BCa CIs (2,000 bootstrap samples, seed 0). The runs need not share "
    "an image, so compare orders rather than values. Names that would cover others are left out."
)


def show_versus(shown: Shown) -> None:
    """The chosen metric in this run and in another, method by method."""
    runs = {name: path for name, path in tables.runs().items() if path != shown.run_dir}
    known = {
        name: name
        for name, path in runs.items()
        if shown.metric in results.metrics_of(tables.manifest(path, tables.run_stamp(path)))
    }
    if not known:
        show_problem(ALONE, "hint")
        return
    name = asked.ask_other_run(known)
    both = beside(shown, runs[name])
    if both.empty:
        show_problem("The two runs have no method in common.", "hint")
        return
    mine, metric = shown.run_dir.name, shown.titles[shown.metric]
    there = tables.manifest(runs[name], tables.run_stamp(runs[name]))
    names = [
        f"{run}: {about(manifest, int(both[f'n_{side}'].max()))}"
        for run, manifest, side in ((mine, shown.manifest, "here"), (name, there, "there"))
    ]
    show_answer([f"{'; '.join(names)}.", *says(both, mine, name, metric)])
    show_chart(None, draw_versus(both, mine, name), f"{metric} in both runs", has_names=True)
    columns = {
        "name": "Method",
        "mean_here": mine, "low_here": "CI low", "high_here": "CI high", "n_here": "n",
        "mean_there": name, "low_there": " CI low", "high_there": " CI high", "n_there": " n",
    }  # fmt: skip
    show_table(both[list(columns)].rename(columns=columns), f"{mine}_{name}", CAPTION)
    show_paired(shown, name, runs[name])


def show_paired(shown: Shown, name: str, other: Path) -> None:
    """The same images in both runs by paired tests, method by method; or why that cannot be."""
    mine, run = shown.run_dir.name, (shown.run_dir, shown.stamp, shown.filters)
    stamped = other, tables.run_stamp(other)
    both = standings.two_runs(*run, *stamped)
    if said := two_runs_wording.problem(both, mine, name):
        show_note(said)
        return
    if results.is_higher_better(shown.metric, shown.manifest) is None:
        return
    gains = standings.paired_gains(*run, *stamped, shown.metric)
    gains = gains[gains["method"] != ORACLE].sort_values("gain", ascending=False)
    show_section("The same images, paired")
    show_answer(
        [
            two_runs_wording.shared_says(both, mine, name, shown.manifest),
            two_runs_wording.gains_say(gains, shown.metric, mine, name, shown.manifest),
        ]
    )
    if gains.empty:
        return
    titles = [shown.title_of(str(method)) for method in gains["method"]]
    drawn = gains.assign(p_holm=gains["p_holm"].where(gains["told_apart"], 1.0))
    chart = draw_gains(drawn, titles, name, mine)  # grey where the interval disagrees
    show_chart(None, chart, f"Gain of {name} over {mine} in {shown.titles[shown.metric]}")
    table = two_runs_wording.gains_table(gains, mine, name, shown.manifest)
    caption = two_runs_wording.CAPTION.format(second=name)
    show_table(table, f"{mine}_and_{name}_paired", caption)


def beside(shown: Shown, other: Path) -> pd.DataFrame:
    """The methods that both runs scored: name, and mean, low, high and n here and there."""
    stamp = tables.run_stamp(other)
    described = tables.manifest(other, stamp)
    same = described["classifier"]["categories"] == shown.manifest["classifier"]["categories"]
    boards = (
        (standings.board(shown.run_dir, shown.stamp, shown.filters), shown.manifest),
        (standings.board(other, stamp, shown.filters if same else Filters()), described),
    )
    here, there = (results.metric_rows(b, m, shown.metric) for b, m in boards)
    joined = here.merge(there, on="method", suffixes=("_here", "_there"))
    return joined.assign(name=joined["name_here"])


def says(both: pd.DataFrame, here: str, there: str, metric: str) -> list[str]:
    """Whether both runs put the methods in the same order, and who has the best mean in each."""
    if len(both) < 3:
        return [f"{len(both)} methods are in both runs: too few to compare orders."]
    if min(both["n_here"].max(), both["n_there"].max()) < LEAST_IMAGES:
        return [f"One of the runs has fewer than {LEAST_IMAGES} images: too few to tell."]
    means = pd.DataFrame({"here": both["mean_here"], "there": both["mean_there"]})
    tau = agreement(means).to_numpy(dtype=float)[0, 1]
    higher = "↓" not in metric
    best = [
        both.sort_values(column, ascending=not higher)["name"].iloc[0]
        for column in ("mean_here", "mean_there")
    ]
    first = f"Kendall's τ-b between the two orders of {len(both)} methods is {tau:z.2f}."
    if len(both) < wording.LEAST_METHODS:
        return [first, f"Below {wording.LEAST_METHODS} methods even equal orders show nothing."]
    if best[0] == best[1]:
        return [first, f"{best[0]} has the best mean in both."]
    return [first, f"{best[0]} has the best mean in {here}, {best[1]} in {there}."]


def draw_versus(both: pd.DataFrame, here: str, there: str) -> go.Figure:
    """Each method as a point with both intervals; on the dotted line both runs agree."""
    ends = (
        min(both["low_here"].min(), both["low_there"].min()),
        max(both["high_here"].max(), both["high_there"].max()),
    )
    points = both["mean_here"], both["mean_there"]
    spots = place_names(*points, both["name"], PLOT_PX, (ends, ends))
    chart = go.Figure(
        go.Scatter(
            x=both["mean_here"],
            y=both["mean_there"],
            error_x=reach(both, "mean", MUTED, "_here", 1),
            error_y=reach(both, "mean", MUTED, "_there", 1),
            text=[name if spot else "" for name, spot in zip(both["name"], spots, strict=True)],
            mode="markers+text",
            textposition=[spot or "top center" for spot in spots],
            textfont={"size": 11},
            marker={
                "size": 9,
                "color": [MUTED if null else ACCENT for null in both["baseline_here"]],
                "symbol": ["circle-open" if null else "circle" for null in both["baseline_here"]],
            },
            customdata=both["name"],
            hovertemplate="%{customdata}: %{x:.3f} and %{y:.3f}<extra></extra>",
        )
    )
    line = {"color": MUTED, "dash": "dot", "width": 1}
    chart.add_shape(type="line", x0=ends[0], y0=ends[0], x1=ends[1], y1=ends[1], line=line)
    chart.update_xaxes(title=here)
    chart.update_yaxes(title=there)
    chart.update_layout(height=HEIGHT_PX, margin={"l": 10, "r": 10, "t": 20, "b": 10})
    return chart
