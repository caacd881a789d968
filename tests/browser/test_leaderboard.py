"""From a number on the leaderboard to the images behind it; filters; who beats whom."""

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from xai_core import DATA
from xai_core.evaluation.run_folder import load_manifest
from xai_core.evaluation.tables import load_scores

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not (DATA / "runs" / "shipped" / "manifest.json").is_file(),
        reason="data/runs/shipped is not here: make it with campare",
    ),
]
Open = Callable[..., Page]
Wait = Callable[[Page], None]
SHIPPED = DATA / "runs" / "shipped"
ROW_PX = 35
CLICKS = 40


def test_a_cell_opens_the_best_median_and_worst_pictures(open_page: Open) -> None:
    page = open_page("leaderboard", height=1600)
    board = page.get_by_test_id("stDataFrame").first
    board.locator("td").first.wait_for(state="attached")
    box = board.bounding_box()
    assert box is not None
    chosen = board.locator("td[aria-selected=true]")
    for _ in range(CLICKS):  # the canvas takes clicks some time after it is there
        # row 1 of the table, in the middle: the first metric after the headline rank
        board.click(position={"x": box["width"] * 0.53, "y": 1.5 * ROW_PX}, force=True)
        page.wait_for_timeout(500)
        if chosen.count():
            break
    column = int(chosen.first.get_attribute("aria-colindex") or 0)
    measure = board.locator("th").nth(column - 1).text_content() or ""
    method = board.locator("[data-testid=glide-cell-0-0]").text_content() or ""
    title = page.get_by_role("heading", name=f"{method}: {measure}")
    expect(title).to_be_visible()

    described = load_manifest(SHIPPED)
    spec = next(e["spec"] for e in described["methods"].values() if e["label"] == method)
    entry = next(e for e in described["metrics"].values() if measure.startswith(e["label"]))
    scores = load_scores(SHIPPED)
    rows = scores[(scores["method"] == spec) & (scores["metric"] == entry["spec"])].dropna(
        subset="score"
    )
    ordered = sorted(rows["score"], reverse=entry["higher_is_better"] is not False)
    shown = page.locator(".card h3").all_text_contents()
    told = [re.fullmatch(r"(best|median|worst): (-?[\d.]+)", text) for text in shown]
    found = [(t[1], t[2]) for t in told if t]
    assert [float(v) for place, v in found if place == "best"] == pytest.approx(
        ordered[:3], abs=5e-4
    )
    assert [float(v) for place, v in found if place == "worst"] == pytest.approx(
        ordered[-3:], abs=5e-4
    )
    middle = [float(v) for place, v in found if place == "median"]
    assert min(middle) - 5e-4 <= rows["score"].median() <= max(middle) + 5e-4

    before = page.url
    page.get_by_test_id("stButton").get_by_role("button", name="Open").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("How do the methods explain")
    expect(
        page.locator(".card h3", has_text=re.compile(f"^{re.escape(method)}$")).first
    ).to_be_visible()
    page.go_back()
    # what was chosen joins the address once the page has been drawn again
    expect(page).to_have_url(re.compile(rf"^{re.escape(before)}(\?.*)?$"))


def test_filters_count_and_can_be_linked_to(open_page: Open) -> None:
    images = load_manifest(SHIPPED)["images"]
    level = min(image["level"] for image in images)
    right = [i for i in images if i["level"] == level and i["correct"]]
    page = open_page(f"leaderboard?levels={level}")
    page.get_by_role("radio", name="Right").click()
    note = page.get_by_text(f"orchard (model orchard, n = {len(right)} images)").first
    expect(note).to_be_visible()
    expect(page).to_have_url(re.compile("outcome=right"))
    page.reload()
    expect(note).to_be_visible()
    page.get_by_role("radio", name="Wrong").click()
    wrong = sum(i["level"] == level and not i["correct"] for i in images)
    expected = f"(model orchard, n = {wrong} image" if wrong else "No image fits these filters"
    expect(page.get_by_text(expected).first).to_be_visible()


def test_wins_and_speed_are_drawn(open_page: Open) -> None:
    page = open_page("leaderboard", height=1600)
    page.get_by_role("tab", name="Pairwise wins").click()
    matrix = page.get_by_test_id("stPlotlyChart").last
    expect(matrix.locator(".heatmaplayer").first).to_be_attached()
    expect(page.get_by_text("Holm").first).to_be_visible()
    page.get_by_role("tab", name="Speed").click()
    expect(
        page.get_by_test_id("stPlotlyChart").last.locator(".scatterlayer .point").first
    ).to_be_attached()


COVERED = """() => {
  const boxes = [...document.querySelectorAll('[role=tabpanel] .textpoint text')]
    .filter(e => e.textContent && e.getBoundingClientRect().width)
    .map(e => [e.textContent, e.getBoundingClientRect()]);
  const meets = (a, b) => a.left < b.right - 1 && b.left < a.right - 1
    && a.top < b.bottom - 4 && b.top < a.bottom - 4;  // lines have room above
  return [boxes.length, boxes.flatMap(([name, box], n) =>
    boxes.slice(n + 1).filter(([, other]) => meets(box, other)).map(([other]) => [name, other]))];
}"""


@pytest.mark.parametrize("width", [390, 1024])
def test_no_name_of_a_point_covers_another(open_page: Open, settled: Wait, width: int) -> None:
    page = open_page("leaderboard", height=1600)
    page.set_viewport_size({"width": width, "height": 1600})
    for tab in ("Two aims", "Speed", "Another run"):
        page.get_by_role("tab", name=tab, exact=True).click()
        settled(page)
        count, covered = page.evaluate(COVERED)
        assert count >= 8, tab
        assert covered == [], tab
    scrolled = Axe().run(page, options={"runOnly": ["scrollable-region-focusable"]})
    assert scrolled.violations_count == 0
