"""An evaluation from its order to its results, as two people at two browsers see it."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Locator, Page, expect

from xai_core.evaluation.tables import load_scores
from xai_core.places import DATA

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
SHIPPED = sorted(path.name for path in (DATA / "runs").iterdir() if path.is_dir())
ORDER = "run?methods=cam+random+uniform+sobel&metrics=deletion+sparseness&limit=12&nulls=false"


@pytest.fixture(autouse=True)
def nothing_evaluated_yet(runs: Path) -> None:
    """The runs that other tests left are gone."""
    for path in runs.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def boxes(page: Page) -> Locator:
    """The runs in the list that are not the shipped ones."""
    cards = page.locator("[class*='st-key-_job'][class*='box']")
    return cards.filter(
        has_not=page.get_by_role("heading", name=re.compile(f"^({'|'.join(SHIPPED)})"))
    )


def processes(runs: Path) -> list[int]:
    """The evaluations at work under a folder of runs."""
    found = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = line.read_bytes().split(b"\0")
        except OSError:
            continue  # it ended meanwhile
        if b"evaluate" in words and any(word.startswith(bytes(runs)) for word in words):
            found.append(int(line.parent.name))
    return found


@pytest.mark.slow
def test_an_evaluation_from_order_to_results(open_page: Open, runs: Path) -> None:
    first = open_page(ORDER)
    expect(
        first.get_by_text(re.compile(r"About \d[\d,]* forward passes, \d.* at the"))
    ).to_be_visible()
    first.get_by_role("button", name="Evaluate", exact=True).click()
    expect(boxes(first)).to_have_count(1)
    expect(boxes(first)).to_contain_text(re.compile("starting|running"))
    begun = processes(runs)
    assert len(begun) == 1
    first.reload()
    expect(boxes(first)).to_have_count(1)
    second = open_page(ORDER)
    asked = "12 images of orchard, model orchard, 4 methods, 2 metrics"
    expect(boxes(second)).to_contain_text(asked)
    assert processes(runs) == begun
    boxes(second).get_by_role("button", name="Stop").click()
    for page in (first, second):
        expect(boxes(page)).to_contain_text("stopped")
    assert processes(runs) == []

    boxes(first).get_by_role("button", name="Resume").click()
    second.get_by_role("button", name="Evaluate", exact=True).click()
    for page in (first, second):
        expect(boxes(page)).to_contain_text(re.compile("starting|running"))
        expect(boxes(page).get_by_role("progressbar")).to_be_visible()
    assert len(processes(runs)) == 1
    expect(boxes(first)).to_contain_text("finished")
    expect(boxes(second)).to_contain_text("finished")
    folders = [path for path in runs.iterdir() if (path / "manifest.json").is_file()]
    assert len(folders) == 1
    scores = load_scores(folders[0])
    assert sorted(scores.groupby(["method", "metric"]).size().unique()) == [12]

    boxes(first).get_by_role("button", name="Show results").click()
    expect(first.get_by_role("heading", level=1)).to_contain_text("Which method is best")
    expect(first.get_by_text("(model orchard, n = 12 images)").first).to_be_visible()
    expect(first).to_have_url(re.compile(f"run={folders[0].name}"))
    first.get_by_role("tab", name="Intervals").click()
    with first.expect_download() as brought:
        first.get_by_role("button", name="CSV", exact=True).click()
    table = pd.read_csv(brought.value.path())
    mean = scores[(scores["method"] == "cam") & (scores["metric"] == "deletion")]["score"].mean()
    shown = table[(table["Method"] == "CAM") & table["Metric"].str.startswith("Deletion")]
    assert shown["Mean"].item() == pytest.approx(mean)
    assert shown["n"].item() == 12

    boxes(second).get_by_role("button", name="More").click()
    second.get_by_label("New name").fill("../outside")
    second.get_by_role("button", name="Rename").click()
    expect(second.get_by_role("alert")).to_contain_text("letters, digits, spaces, dots, dashes")
    second.get_by_label("New name").fill("for-the-paper")
    second.get_by_role("button", name="Rename").click()
    expect(boxes(second).get_by_role("heading")).to_have_text("for-the-paper")
    assert (runs / "for-the-paper" / "manifest.json").is_file()
    boxes(second).get_by_role("button", name="More").click()
    second.get_by_role("button", name="Delete", exact=True).click()
    expect(boxes(second)).to_have_count(0)
    assert not (runs / "for-the-paper").exists()


def test_a_run_that_cannot_be_done_says_why(open_page: Open, runs: Path) -> None:
    page = open_page(f"{ORDER}&model=no_such_network")
    page.get_by_role("button", name="Evaluate", exact=True).click()
    box = boxes(page).filter(has_text="no_such_network")
    expect(box.get_by_role("alert")).to_contain_text("unknown model 'no_such_network'")
    box.get_by_role("button", name="More").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(box).to_have_count(0)


def test_a_folder_without_pictures_gives_one_sentence(open_page: Open, tmp_path: Path) -> None:
    page = open_page(f"run?source=folder&folder={tmp_path}")
    expect(page.get_by_role("alert").get_by_text(str(tmp_path))).to_be_visible()
    expect(page.get_by_role("button", name="Evaluate", exact=True)).to_be_disabled()
