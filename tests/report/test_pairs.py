"""Pairs: a second run on the same images is compared by paired tests, in every format alike."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pandas as pd
import pytest

from tests.report.conftest import write_run
from xai_core.report.bundle import write_report
from xai_core.report.material import Choice

pytestmark = pytest.mark.xdist_group("report pairs")  # its report is written once
CHOICE = Choice(metrics=("deletion", "insertion"), widths=("column",))
SHIFT = -0.05
CELL = re.compile(r"(?:\\textbf\{)?(-?[\d.]+)\}? \{\\scriptsize \[(-?[\d.]+), (-?[\d.]+)\]\}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of a run and of one in which CAM's deletion is lower by 0.05 on every image."""
    runs = tmp_path_factory.mktemp("pairs")
    two = [write_run(runs / "before", 20), write_run(runs / "after_1", 20, shift=SHIFT)]
    assert write_report(two, runs / "report", CHOICE) == []
    return runs / "report"


def test_the_gain_is_the_shift_and_bold_where_it_is_told_apart(folder: Path) -> None:
    rows = pd.read_csv(folder / "tables" / "before-and-after_1.csv").set_index(["metric", "method"])
    gain = rows.loc[("deletion", "cam")]
    assert gain["mean"] == pytest.approx(-SHIFT, abs=1e-6)  # lower is better: a gain
    assert bool(gain["best"])
    others = rows.drop(index=("deletion", "cam"))
    assert (others["mean"] == 0).all()
    assert not others["best"].any()


def test_latex_csv_and_page_say_the_same_numbers(folder: Path) -> None:
    with (folder / "tables" / "before-and-after_1.csv").open(encoding="utf-8") as file:
        stored = [(r["mean"], r["low"], r["high"]) for r in csv.DictReader(file)]
    latex = (folder / "tables" / "before-and-after_1.tex").read_text().replace("$-$", "-")
    assert sorted(CELL.findall(latex)) == sorted(stored)
    page = (folder / "report.html").read_text()
    section = page[page.index("Two runs on the same images") : page.index("<h2>Figures")]
    shown = re.findall(r"(-?[\d.]+)(?:</b>)?\s*<small>\[(-?[\d.]+), (-?[\d.]+)\]", section)
    assert sorted(shown) == sorted(stored)


def test_sentence_caption_and_figure_are_there(folder: Path) -> None:
    captions = (folder / "captions.txt").read_text()
    assert (
        "In deletion after_1 is better than before for CAM; they are not told apart for" in captions
    )
    assert "before and after_1 share 20 images of own_data & 10 %; each explains" in captions
    assert (folder / "figures" / "before-and-after_1-deletion-column.pdf").is_file()


@pytest.mark.slow
def test_runs_of_other_images_are_one_sentence_and_both_are_reported(tmp_path: Path) -> None:
    two = [write_run(tmp_path / "one", 12), write_run(tmp_path / "two", 12, first=50)]
    notes = write_report(two, tmp_path / "report", CHOICE)
    assert notes == [
        "one and two have no image in common, so no paired test compares them: evaluate both "
        "models on the same images."
    ]
    names = {path.name for path in (tmp_path / "report" / "tables").glob("*.csv")}
    assert names == {"one.csv", "two.csv"}


@pytest.mark.slow
def test_what_the_second_run_lacks_is_left_out(tmp_path: Path) -> None:
    two = [write_run(tmp_path / "one", 12), write_run(tmp_path / "two", 8, ("cam", "random"))]
    assert write_report(two, tmp_path / "report", CHOICE) == []
    rows = pd.read_csv(tmp_path / "report" / "tables" / "one-and-two.csv")
    assert set(rows["method"]) == {"cam", "random"}
    assert set(rows["n"]) == {8}
