"""Versus: one run beside another: other weights, other images, other preprocessing."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
from drawing.charts import ACCENT, MUTED, reach
from drawing.name_tags import place_names
from frame.display import show_answer, show_chart, show_problem, show_table
from frame.results_page import Shown
from runs import cached, results
from runs.phrases import about
from runs.results import Filters
from state import choices

from xai_core.evaluation.agreement import agreement
from xai_core.evaluation.lead import LEAST_IMAGES

ALONE = "There is no other run with this metric: evaluate it with another model or other images."
SIZE_PX = (900, 460)
CAPTION = (
    "Means with 95 % BCa CIs (2,000 bootstrap samples, seed 0). The runs need not share "
    "an image, so compare orders rather than values. Names that would cover others are left out."
)


def show_versus(shown: Shown) -> None:
    """The chosen metric in this run and in another, method by method."""
    runs = {name: path for name, path in cached.runs().items() if path != shown.run_dir}
    known = {
        name: name
        for name, path in runs.items()
        if shown.measure in results.metrics_of(cached.manifest(path, cached.run_stamp(path)))
    }
    if not known:
        show_problem(ALONE, "hint")
        return
    name = choices.ask_other_run(known)
    both = beside(shown, runs[name])
    if both.empty:
        show_problem("The two runs have no method in common.", "hint")
        return
    mine, measure = shown.run_dir.name, shown.titles[shown.measure]
    there = cached.manifest(runs[name], cached.run_stamp(runs[name]))
    names = [
        f"{run}: {about(manifest, int(both[f'n_{side}'].max()))}"
        for run, manifest, side in ((mine, shown.manifest, "here"), (name, there, "there"))
    ]
    show_answer([f"{'; '.join(names)}.", *says(both, mine, name, measure)])
    show_chart(None, draw_versus(both, mine, name), f"{measure} in both runs")
    columns = {
        "name": "Method",
        "mean_here": mine, "low_here": "CI low", "high_here": "CI high", "n_here": "n",
        "mean_there": name, "low_there": " CI low", "high_there": " CI high", "n_there": " n",
    }  # fmt: skip
    show_table(both[list(columns)].rename(columns=columns), f"{mine}_{name}", CAPTION)


def beside(shown: Shown, other: Path) -> pd.DataFrame:
    """The methods that both runs scored: name, and mean, low, high and n here and there."""
    stamp = cached.run_stamp(other)
    described = cached.manifest(other, stamp)
    same = described["classifier"]["categories"] == shown.manifest["classifier"]["categories"]
    boards = (
        (cached.board(shown.run_dir, shown.stamp, shown.filters), shown.manifest),
        (cached.board(other, stamp, shown.filters if same else Filters()), described),
    )
    here, there = (results.metric_rows(b, m, shown.measure) for b, m in boards)
    joined = here.merge(there, on="method", suffixes=("_here", "_there"))
    return joined.assign(name=joined["name_here"])


def says(both: pd.DataFrame, here: str, there: str, measure: str) -> list[str]:
    """Whether both runs put the methods in the same order, and who has the best mean in each."""
    if len(both) < 3:
        return [f"{len(both)} methods are in both runs: too few to compare orders."]
    if min(both["n_here"].max(), both["n_there"].max()) < LEAST_IMAGES:
        return [f"One of the runs has fewer than {LEAST_IMAGES} images: too few to tell."]
    means = pd.DataFrame({"here": both["mean_here"], "there": both["mean_there"]})
    tau = agreement(means).to_numpy(dtype=float)[0, 1]
    higher = "↓" not in measure
    best = [
        both.sort_values(column, ascending=not higher)["name"].iloc[0]
        for column in ("mean_here", "mean_there")
    ]
    first = f"Kendall's τ-b between the two orders of {len(both)} methods is {tau:z.2f}."
    if best[0] == best[1]:
        return [first, f"{best[0]} has the best mean in both."]
    return [first, f"The best mean has {best[0]} in {here}, {best[1]} in {there}."]


def draw_versus(both: pd.DataFrame, here: str, there: str) -> go.Figure:
    """Each method as a point with both intervals; on the dotted line both runs agree."""
    spots = place_names(both["mean_here"], both["mean_there"], both["name"], SIZE_PX)
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
            marker={"size": 9, "color": ACCENT},
            customdata=both["name"],
            hovertemplate="%{customdata}: %{x:.3f} and %{y:.3f}<extra></extra>",
        )
    )
    ends = [
        min(both["low_here"].min(), both["low_there"].min()),
        max(both["high_here"].max(), both["high_there"].max()),
    ]
    line = {"color": MUTED, "dash": "dot", "width": 1}
    chart.add_shape(type="line", x0=ends[0], y0=ends[0], x1=ends[1], y1=ends[1], line=line)
    chart.update_xaxes(title=here)
    chart.update_yaxes(title=there)
    chart.update_layout(height=SIZE_PX[1], margin={"l": 10, "r": 10, "t": 20, "b": 10})
    return chart
