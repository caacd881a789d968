"""What every page of results says and does not say, on the precomputed results."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from menu import MENU
from streamlit.testing.v1 import AppTest

from xai_core import DATA

PAGES = ("leaderboard", "curves", "agreement", "sanity", "cam_vs_secam", "mistakes", "ground_truth")
ABOUT = re.compile(r"\w+ \(model \w+, n = \d+( to \d+)? images?\)")

shipped = pytest.mark.skipif(
    not (DATA / "runs" / "ground_truth" / "manifest.json").is_file(),
    reason="data/runs is not here: data/README.md says how it is made",
)


def test_every_page_of_results_is_looked_at() -> None:
    of_results = next(pages for pages in MENU.values() if "leaderboard" in {p.name for p in pages})
    writes_no_answer = {"report"}  # it makes files
    assert {page.name for page in of_results} - writes_no_answer <= set(PAGES)


@shipped
@pytest.mark.parametrize("name", PAGES)
def test_the_answer_names_data_set_model_and_n(
    open_page: Callable[..., AppTest], name: str
) -> None:
    bodies = [element.proto.body for element in open_page(name).get("html")]
    answer = html.unescape(next(body for body in bodies if "class='answer'" in body))
    assert ABOUT.search(answer), answer
    everything = html.unescape("\n".join(bodies))
    assert "100 % of" not in everything
    assert "In 100" not in everything
    assert "does not pass" not in everything
    assert "do not pass" not in everything
