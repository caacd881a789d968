"""Figures for print show the numbers of the page's charts, at their places."""

import base64
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from drawing import charts, curve_charts, paper, truth_charts
from guide import convergence
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex
from PIL import Image
from results import versus
from streamlit.testing.v1 import AppTest

from xai_core import DATA
from xai_core.evaluation.statistics import friedman

ROWS = pd.DataFrame(
    {
        "method": ["a", "b", "c"],
        "name": ["Best $x$", "Second", "Null"],
        "family": ["CAM", "SHAP", "baseline"],
        "mean": [0.9, 0.5, 0.1],
        "low": [0.8, 0.3, 0.05],
        "high": [0.95, 0.6, 0.2],
        "n": [8, 8, 8],
        "baseline": [False, False, True],
        "seconds": [0.01, 1.0, 0.001],
    }
)


def points(axes: Any) -> list[tuple[float, float]]:
    """The places of all markers."""
    found = [c for c in axes.collections if isinstance(c, PathCollection)]
    return [tuple(map(float, place)) for part in found for place in part.get_offsets()]


def ticks(axis: Any) -> dict[str, float]:
    pairs = zip(axis.get_ticklabels(), axis.get_ticklocs(), strict=True)
    return {label.get_text(): float(place) for label, place in pairs}


def test_intervals() -> None:
    chart = charts.draw_intervals(ROWS, 0.1, "Deletion ↓")
    axes = paper.draw(chart).axes[0]
    rows = ticks(axes.yaxis)
    assert [name.replace(r"\$", "$") for name in rows] == ["Null", "Second", "Best $x$"]  # upwards
    assert sorted(points(axes)) == [(0.1, 0.0), (0.5, 1.0), (0.9, 2.0)]
    bars = [c for c in axes.collections if isinstance(c, LineCollection)]
    ends = sorted(tuple(s[:, 0].round(6)) for bar in bars for s in bar.get_segments())
    assert ends == [(0.05, 0.2), (0.3, 0.6), (0.8, 0.95)]
    assert any(np.allclose(line.get_xdata(), 0.1) for line in axes.lines)
    assert axes.get_xlabel() == "Deletion ↓"


def test_critical_differences_matrices_and_wins() -> None:
    random = np.random.default_rng(0)
    by_method = pd.DataFrame(random.normal([0, 0.1, 3], size=(30, 3)), columns=list("abc"))
    test = friedman(by_method, True)
    titles = {"a": "A", "b": "B", "c": "C"}
    axes = paper.draw(charts.draw_critical_differences(test, titles, {"B"})).axes[0]
    rows = ticks(axes.yaxis)
    expected = {(test.mean_ranks[m], rows[titles[m]]) for m in "abc"}
    assert set(points(axes)) == expected
    face = {
        tuple(place): to_hex(colour)
        for part in axes.collections
        if isinstance(part, PathCollection)
        for place, colour in zip(part.get_offsets(), part.get_facecolors(), strict=True)
    }
    assert face[(test.mean_ranks["b"], rows["B"])] == "#ffffff"
    assert face[(test.mean_ranks["c"], rows["C"])] == charts.ACCENT
    values = np.array([[1.0, 0.25], [0.25, np.nan]])
    axes = paper.draw(charts.draw_matrix(values, ["A", "B"], -1, "Alike")).axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array().filled(np.nan), values)
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    assert texts == {(0, 0): "1.00", (1, 0): "0.25", (0, 1): "0.25", (1, 1): "–"}
    assert axes.get_ylim() == (1.5, -0.5)  # the first row on top
    assert axes.get_title(loc="left") == "Alike"


def test_curves_keep_their_bands_dashes_and_negative_values() -> None:
    rows = pd.DataFrame(
        {
            "method": ["a"] * 4,
            "curve": ["morf", "morf", "lerf", "lerf"],
            "fraction": [0.0, 1.0, 0.0, 1.0],
            "mean": [1.0, -0.5, 1.0, 0.6],
            "low": [0.9, -0.6, 0.9, 0.5],
            "high": [1.0, -0.4, 1.0, 0.7],
        }
    )
    axes = paper.draw(curve_charts.draw_curves(rows, {"a": "A"}, "probability")).axes[0]
    drawn = {line.get_linestyle(): list(line.get_ydata()) for line in axes.lines}
    assert sorted(drawn.values()) == [[1.0, -0.5], [1.0, 0.6]]
    assert set(drawn) == {"-", "--"}
    band = {tuple(patch.get_xy()[:2, 1]) for patch in axes.patches}
    assert band == {(1.0, -0.4), (1.0, 0.7)}
    low, high = axes.get_ylim()
    assert low < -0.5
    assert high > 1


def test_bars_boxes_and_the_log_axis() -> None:
    rows = pd.DataFrame({"w": [0.3, 0.7], "low": 0.2, "high": 0.8, "n": 9})
    axes = paper.draw(charts.draw_concordance(rows, ["A", "B"], "W")).axes[0]
    assert points(axes) == [(0.3, 0.0), (0.7, 1.0)]
    assert axes.get_xlim() == (0, 1)
    page = {
        "units": [
            {"name": "fruit.body", "importance": 2.0, "sums": {"cam": 0.6}},
            {"name": "fruit.stem", "importance": -1.0, "sums": {"cam": 0.1}},
        ],
        "methods": {"cam": "CAM"},
    }
    axes = paper.draw(truth_charts.draw_parts(page, ["cam"])).axes[0]
    assert [bar.get_width() for bar in axes.patches] == [1.0, -0.5, 0.6, 0.1]
    table = pd.DataFrame(
        {"name": "A", "auroc": 0.9, "shortcut": [0.1, 0.5, 0.8], "control": [0.0, 0.1, 0.2]}
    )
    axes = paper.draw(truth_charts.draw_shares(table)).axes[0]
    medians = sorted(float(line.get_xdata()[0]) for line in axes.lines if _is_upright(line))
    assert {0.1, 0.5} <= set(medians)
    axes = paper.draw(charts.draw_speed(ROWS, "Deletion")).axes[0]
    assert axes.get_xscale() == "log"
    assert sorted(points(axes)) == [(0.001, 0.1), (0.01, 0.9), (1.0, 0.5)]
    low, high = axes.get_xlim()
    assert low < 0.001
    assert high > 1
    assert {text.get_text() for text in axes.texts} == {r"Best \$x\$", "Second", "Null"}


def _is_upright(line: Any) -> bool:
    x, y = line.get_xdata(), line.get_ydata()
    return len(x) == 2 and x[0] == x[1] and y[0] != y[1]


def test_two_runs() -> None:
    columns = ["mean", "low", "high"]
    both = ROWS[["name"]].join(ROWS[columns].add_suffix("_here"))
    both = both.join((ROWS[columns] / 2).add_suffix("_there")).assign(
        baseline_here=ROWS["family"] == "baseline"
    )
    axes = paper.draw(versus.draw_versus(both, "mine", "other")).axes[0]
    assert sorted(points(axes)) == [(0.1, 0.05), (0.5, 0.25), (0.9, 0.45)]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("mine", "other")


def test_files_open_in_other_programs() -> None:
    chart = charts.draw_intervals(ROWS, 0.1, "Deletion ↓")
    picture = Image.open(io.BytesIO(paper.save(chart, "png")))
    assert picture.width == 7 * 300
    words = "".join(ET.fromstring(paper.save(chart, "svg")).itertext())
    assert "Best $x$" in words
    assert "Deletion ↓" in words
    pdf = paper.save(chart, "pdf")
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 1
    assert b"/Type3" not in pdf


def whole(value: Any) -> Any:
    """A chart's JSON with its packed arrays as numbers."""
    if isinstance(value, dict) and "bdata" in value:
        flat = np.frombuffer(base64.b64decode(value["bdata"]), value["dtype"])
        shape = [int(part) for part in str(value.get("shape", len(flat))).split(",")]
        return flat.reshape(shape)
    if isinstance(value, dict):
        return {name: whole(part) for name, part in value.items()}
    return [whole(part) for part in value] if isinstance(value, list) else value


@pytest.mark.skipif(
    not (DATA / "runs" / "shipped" / "manifest.json").is_file(),
    reason="data/runs/shipped is not here: make it with campare",
)
@pytest.mark.parametrize(
    ("page", "tabs"),
    [
        ("leaderboard", {"_more": ("Pairwise wins", "Speed", "Another run")}),
        ("cam_vs_secam", {"_more": ("Over all images",)}),
        ("agreement", {}),
        ("curves", {}),
        ("sanity", {}),
        ("mistakes", {}),
        ("guide", {"_more": ("How many samples?",)}),
        (
            "ground_truth",
            {
                "_truth": (
                    "Which metrics to trust",
                    "Planted shortcut",
                    "Single scenes",
                    "Degraded heatmaps",
                )
            },
        ),
    ],
)
def test_every_chart_of_the_app_can_be_drawn(
    page: str, tabs: dict[str, tuple[str, ...]], open_page: Callable[..., AppTest]
) -> None:
    app = open_page(page)
    seen: dict[str, str] = {}
    for key, names in tabs.items() or {"": ("",)}.items():
        for name in names:
            if key:
                app.session_state[key] = name
                app.run()
            seen |= {chart.proto.spec: name for chart in app.get("plotly_chart")}
    assert seen
    for spec, name in seen.items():
        chart = go.Figure(whole(json.loads(spec)))
        axes = paper.draw(chart).axes[0]
        said = {label.get_text() for label in (*axes.get_xticklabels(), *axes.get_yticklabels())}
        for trace in chart.data:
            for values in (trace.x, trace.y):
                words = [v for v in ([] if values is None else values) if isinstance(v, str)]
                assert said >= {word.replace("<br>", "\n") for word in words}, name
        assert len(axes.lines) + len(axes.collections) + len(axes.images) + len(axes.patches)


def test_convergence() -> None:
    measured = {
        "rows": [
            {"method": "lime", "title": "LIME", "image": "a", "samples": n, "agreement": n / 100}
            for n in (10, 100)
        ],
        "default": {"lime": 100},
        "classifier": {"name": "tiny"},
    }
    axes = paper.draw(convergence.draw_convergence(measured)).axes[0]
    assert list(ticks(axes.xaxis)) == ["10", "100"]
    assert any(list(line.get_ydata()) == [0.1, 1.0] for line in axes.lines)
