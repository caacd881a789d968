"""One run beside another, on made-up means whose order is known."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from results import versus
from runs import run_folders
from streamlit.testing.v1 import AppTest

from xai_core import DATA


def both(here: list[float], there: list[float]) -> pd.DataFrame:
    names = ["A", "B", "C", "D", "E"][: len(here)]
    return pd.DataFrame(
        {"name": names, "mean_here": here, "mean_there": there, "n_here": 20, "n_there": 20}
    )


@pytest.mark.parametrize(
    ("there", "measure", "expected"),
    [
        ([0.3, 0.6, 0.7, 0.8, 0.9], "Gain ↑", ["is 1.00.", "E has the best mean in both."]),
        (
            [0.9, 0.6, 0.5, 0.1, 0.0],
            "Gain ↑",
            ["is -1.00.", "E has the best mean in one, A in two."],
        ),
        (
            [0.9, 0.6, 0.5, 0.1, 0.0],
            "Deletion ↓",
            ["is -1.00.", "A has the best mean in one, E in two."],
        ),
        ([0.3, 0.6, 0.7], "Gain ↑", ["is 1.00.", "even equal orders show nothing."]),
    ],
)
def test_orders_are_compared(there: list[float], measure: str, expected: list[str]) -> None:
    here = [0.1, 0.2, 0.3, 0.4, 0.5][: len(there)]
    said = versus.says(both(here, there), "one", "two", measure)
    for sentence, end in zip(said, expected, strict=True):
        assert sentence.endswith(end)


def test_two_methods_have_no_order_to_compare() -> None:
    said = versus.says(both([0.1, 0.2], [0.1, 0.2]), "one", "two", "Gain ↑")
    assert said == ["2 methods are in both runs: too few to compare orders."]


@pytest.mark.skipif(
    not (DATA / "runs" / "shipped" / "manifest.json").is_file(),
    reason="data/runs/shipped is not here: make it with campare",
)
def test_a_copy_of_a_run_agrees_with_it_fully(
    open_page: Callable[..., AppTest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ignored = shutil.ignore_patterns("gallery", "maps", "curves")
    shutil.copytree(DATA / "runs" / "shipped", tmp_path / "again", ignore=ignored)
    monkeypatch.setattr(run_folders, "RUNS", tmp_path)
    app = open_page("leaderboard")
    app.session_state["_more"] = "Another run"
    app.session_state["_other_run"] = "again"
    app.run()
    assert not app.exception
    text = "\n".join(html.proto.body for html in app.get("html"))
    assert "is 1.00." in text
    assert "has the best mean in both." in text
    tables = [part for part in re.findall("<table>.*?</table>", text) if ">again<" in part]
    assert len(tables) == 2  # means, and the same images paired
    for table in tables:
        titles = re.findall("<th scope='col'>(.*?)</th>", table)
        for row in re.findall("<tr>(<td>.*?)</tr>", table):
            cells = dict(zip(titles, re.findall("<td.*?>(.*?)</td>", row), strict=True))
            assert cells["shipped"] == cells["again"]
    assert "shipped and again share" in text
    assert "shipped and again are not told apart for" in text
