"""The pages as a person meets them."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from menu import FILES
from PIL import Image
from playwright.sync_api import Page, expect

from xai_core import DATA

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not (DATA / "runs" / "shipped" / "gallery" / "index.json").is_file(),
        reason="data/runs/shipped is not here: make it with campare",
    ),
]
Open = Callable[..., Page]
Tell = Callable[[str], None]
Wait = Callable[[Page], None]
Upload = Callable[[Page, Path], None]
Reloaded = Callable[[Page], float]
Pages = Callable[[], AbstractContextManager[Open]]
Shown = tuple[str, Page]
Theme = Literal["light", "dark"]
PAGES = ["" if name == "compare" else name for name in FILES]
WIDTHS = (1024, 1280, 1920)
SCREENSHOTS = Path(__file__).with_name("screenshots")
LIGHTNESS = """app => {
    const [red, green, blue] = getComputedStyle(app).backgroundColor.match(/\\d+/g).map(Number);
    return red + green + blue > 380 ? 'light' : 'dark';
}"""
CUT = """() => {
    const edge = document.querySelector('.stMainBlockContainer').getBoundingClientRect().right;
    const parts = '.st-key-gallery .stButtonGroup, .st-key-toolbar button';
    return [...document.querySelectorAll(parts)].filter(
        one => one.getBoundingClientRect().right > edge || one.scrollWidth > one.clientWidth + 1
    ).map(one => one.outerHTML.slice(0, 200));
}"""
MAP = ".layers img[alt^='CAM for']"
SECONDS_UNTIL_MAPS_ARE_PAINTED = """() => new Promise(told => {
    const look = () => {
        const pictures = [...document.querySelectorAll('.layers img')];
        const there = pictures.length && pictures.every(one => one.complete && one.naturalWidth);
        requestAnimationFrame(there ? () => told(performance.now() / 1000) : look);
    };
    look();
})"""


def test_first_view_is_a_finished_comparison(open_page: Open, settled: Wait, tell: Tell) -> None:
    settled(open_page("guide"))  # the server's and the browser's own start is not the page's
    page = open_page("")
    for what in ("new browser", "again"):
        page.wait_for_selector(MAP)
        expect(page.locator("button.layers")).to_have_count(6)
        seconds = page.evaluate(SECONDS_UNTIL_MAPS_ARE_PAINTED)
        tell(f"first view, request to finished maps, {what}: {seconds:.2f} s")
        page.reload()
    page.wait_for_selector(MAP)
    assert "computing" not in page.inner_text("body")
    page.wait_for_function(f"document.querySelector(`{MAP}`).naturalWidth > 200")


@pytest.fixture(scope="module", params=PAGES)
def shown(request: pytest.FixtureRequest, pages: Pages) -> Iterator[tuple[str, Page]]:
    """Each page in turn, opened once for the tests that only look at it."""
    methods = "?methods=cam+secam" if request.param == "mistakes" else ""  # that compute anew
    with pages() as open_page:
        yield request.param, open_page(request.param + methods)


def test_page_opens(shown: Shown, reloaded: Reloaded, tell: Tell) -> None:
    name, page = shown
    tell(f"/{name}: {reloaded(page):.2f} s")
    assert page.locator(".problem").count() == 0


def test_screenshots_have_nothing_beyond_the_window(shown: Shown, settled: Wait) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    name, page = shown
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 1600})
        settled(page)
        page.screenshot(path=SCREENSHOTS / f"{name or 'compare'}_{width}.png")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), width


def test_controls_are_whole_on_a_small_window(shown: Shown, settled: Wait) -> None:
    _, page = shown
    page.set_viewport_size({"width": 1024, "height": 1600})
    settled(page)
    assert page.evaluate(CUT) == []
    add = page.locator("[class*=st-key-_add] button:visible")
    model = page.locator(".stSelectbox", has=page.get_by_text("Model", exact=True))
    if add.count():
        boxes = [place.first.bounding_box() for place in (add, model)]
        add_end, model_end = (box["y"] + box["height"] if box else 0 for box in boxes)
        assert add_end == pytest.approx(model_end, abs=2)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_accessibility_violation(
    shown: Shown, settled: Wait, reloaded: Reloaded, theme: Theme
) -> None:
    name, page = shown
    page.set_viewport_size({"width": 1280, "height": 1100})
    page.emulate_media(color_scheme=theme)
    reloaded(page)
    settled(page)
    assert page.locator("[data-testid=stApp]").evaluate(LIGHTNESS) == theme
    found = Axe().run(page).response["violations"]
    described = [f"{v['id']}: {node['html'][:200]}" for v in found for node in v["nodes"]]
    if theme == "dark":
        SCREENSHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{name or 'compare'}_dark.png")
    assert described == []


def test_upload_is_explained(
    open_page: Open, settled: Wait, upload: Upload, tell: Tell, tmp_path: Path
) -> None:
    page = open_page("?methods=cam+secam")
    rows, columns = np.mgrid[0:300, 0:500]
    pixels = np.stack([rows % 256, columns % 256, (rows + columns) % 256], axis=-1)
    file = tmp_path / "wide *image*.png"
    Image.fromarray(pixels.astype(np.uint8)).save(file)
    upload(page, file)
    begin = time.perf_counter()
    expect(page.get_by_text("500 × 300 px")).to_be_visible()
    page.wait_for_selector(".layers img[alt^='SeCAM for']")
    tell(f"upload to two maps, first use: {time.perf_counter() - begin:.2f} s")
    settled(page)
    assert "image=upload-" in page.url
    ratio = "image => image.naturalWidth / image.naturalHeight"
    assert page.locator(MAP).evaluate(ratio) == pytest.approx(5 / 3, abs=0.01)


def test_bad_upload_gives_a_message_and_the_page_goes_on(
    open_page: Open, upload: Upload, tmp_path: Path
) -> None:
    page = open_page("")
    file = tmp_path / "notes.png"
    file.write_text("no image")
    upload(page, file)
    expect(page.get_by_role("alert").get_by_text("notes.png: not an image")).to_be_visible()
    expect(page.locator(MAP)).to_have_count(1)


def test_link_and_reload_reproduce_the_view(open_page: Open, settled: Wait) -> None:
    page = open_page("?methods=secam+cam&classes=2&view=map&opacity=0.35")
    expect(page.locator(".rowtitle")).to_have_count(2)
    maps = page.locator(".layers img[alt*='CAM for ']")
    expect(maps).to_have_count(4)
    names = [(seen.get_attribute("alt") or "").split(" for ")[0] for seen in maps.all()]
    assert names == ["SeCAM", "CAM", "SeCAM", "CAM"]
    settled(page)
    shown = page.inner_text("[data-testid=stMain]")
    page.reload()
    expect(maps).to_have_count(4)
    expect(page.get_by_test_id("stMain")).to_have_js_property("innerText", shown)


def test_gallery_answers_the_keyboard(open_page: Open) -> None:
    page = open_page("")
    radios = page.locator(".st-key-gallery [role=radio]")
    radios.nth(0).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(radios.nth(1)).to_have_attribute("aria-checked", "true")
