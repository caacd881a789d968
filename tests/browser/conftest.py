"""A real server, started from another folder, and a real browser that may reach nothing else."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest
from menu import MENU
from playwright.sync_api import Browser, Page, expect, sync_playwright

Pages = Callable[[], AbstractContextManager[Callable[..., Page]]]
PROJECT = Path(__file__).resolve().parents[2]
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TIMEOUT_MS = 180_000  # never asserted; a slow machine is no failure
expect.set_options(timeout=TIMEOUT_MS)
IS_QUIET = """!document.body.innerText.includes('computing …')
    && !document.querySelector('[data-testid=stSkeleton]')
    && !!document.querySelector('[data-testid=stApp][data-test-script-state=notRunning]')"""

MISSING = """() => [...document.images].filter(i => !i.naturalWidth || !i.offsetWidth)
    .map(i => `${i.alt} ${i.src} ${i.naturalWidth} ${i.offsetWidth}`)"""


_OPEN: list[Page] = []
_LOGS: list[Path] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With a test that failed: what its pages showed then, and what the server had said."""
    report = yield
    if call.when == "call" and report.failed:
        for page in _OPEN:
            if not page.is_closed():
                state = page.locator("[data-testid=stApp]").get_attribute("data-test-script-state")
                report.sections.append((f"{page.url} ({state})", page.inner_text("body")[:3000]))
                report.sections.append(("images that are not there", str(page.evaluate(MISSING))))
        report.sections += [(f"{log}", log.read_text()[-3000:]) for log in _LOGS if log.is_file()]
    return report


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server under test keeps its runs, so that none is left in data/runs."""
    return tmp_path_factory.mktemp("runs")


@contextmanager
def _serving(folder: Path, runs: Path) -> Iterator[str]:
    """The address of `streamlit run`, as the README starts it but from another folder."""
    script = Path(sys.executable).with_name("streamlit")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    _LOGS.append(folder / "log.txt")
    with _LOGS[-1].open("w") as log:
        process = subprocess.Popen(
            [script, "run", PROJECT / "dashboard" / "app.py", f"--server.port={port}"],
            cwd=folder,
            env={**os.environ, "CAMPARE_RUNS": str(runs)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address, process)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, runs: Path) -> Iterator[str]:
    """A server that all tests of this process share."""
    with _serving(tmp_path_factory.mktemp("elsewhere"), runs) as address:
        yield address


@pytest.fixture
def new_server(tmp_path: Path, runs: Path) -> Iterator[str]:
    """A server that nobody has visited yet."""
    with _serving(tmp_path, runs) as address:
        yield address


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError("streamlit ended before it answered")
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(f"{address} does not answer")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = shutil.which("chromium")
    if executable is None:
        pytest.skip("no browser here: apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        yield chromium
        chromium.close()


@contextmanager
def _pages(server: str, browser: Browser) -> Iterator[Callable[..., Page]]:
    pages: list[Page] = []
    requests: list[str] = []

    def page(path: str = "", *, width: int = 1280, height: int = 1100) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height}, accept_downloads=True
        )
        opened = context.new_page()
        opened.set_default_timeout(TIMEOUT_MS)
        opened.on("request", lambda request: requests.append(request.url))
        pages.append(opened)
        _OPEN.append(opened)
        opened.goto(f"{server}/{path}")
        drawn(opened)
        return opened

    yield page
    for opened in pages:
        assert opened.locator("[data-testid=stException]").count() == 0
        opened.context.close()
    local = (server, server.replace("http", "ws", 1), "data:", "blob:")
    assert [url for url in requests if not url.startswith(local)] == []


@pytest.fixture(scope="session")
def pages(server: str, browser: Browser) -> Pages:
    """Begins a time in which addresses of the app are opened, each in a session of its own.

    At its end no request may have left the server's address, and no exception be shown.
    """
    return partial(_pages, server, browser)


@pytest.fixture
def open_first(new_server: str, browser: Browser) -> Iterator[Callable[..., Page]]:
    """The same as `open_page`, at a server that nobody has visited yet."""
    with _pages(new_server, browser) as page:
        yield page


@pytest.fixture
def open_page(pages: Pages) -> Iterator[Callable[..., Page]]:
    """Opens an address of the app in a session of its own and waits until it is drawn."""
    with pages() as page:
        yield page


def drawn(page: Page) -> None:
    """Waits for the page's heading and for the script to end."""
    page.wait_for_selector("h1.title")
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


@pytest.fixture
def settled() -> Callable[[Page], None]:
    """Waits until nothing is computed any more, and nothing has begun a moment later."""

    def wait(page: Page) -> None:
        drawn(page)
        while True:
            page.wait_for_function(f"() => {IS_QUIET}")
            page.wait_for_timeout(500)
            if page.evaluate(IS_QUIET):
                return

    return wait


@pytest.fixture
def reloaded() -> Callable[[Page], float]:
    """Opens the page anew in the same browser; the seconds until it is drawn."""

    def reload(page: Page) -> float:
        begin = time.perf_counter()
        page.reload()
        drawn(page)
        return time.perf_counter() - begin

    return reload


@pytest.fixture
def go() -> Callable[[Page, str, str], None]:
    """To another page by the menu; the section is the one that has the title."""

    def click(page: Page, _section: str, title: str) -> None:
        section = next(
            name for name, entries in MENU.items() if title in [e.title for e in entries]
        )
        before = page.inner_text("h1.title")
        page.get_by_test_id("stTopNav").get_by_role("button", name=section, exact=True).click()
        page.get_by_test_id("stTopNavDropdownLink").filter(has_text=title).click()
        page.wait_for_function(
            "before => document.querySelector('h1.title')?.innerText !== before", arg=before
        )

    return click


@pytest.fixture
def upload() -> Callable[..., None]:
    """Give the page an image of one's own, after `seconds` of choosing the file."""

    def choose(page: Page, file: Path, seconds: float = 1.5) -> None:
        page.get_by_role("button", name="Your image").click()
        # opening draws the page again, and the uploader with it
        page.wait_for_timeout(seconds * 1000)
        page.locator("input[type=file]").set_input_files(file)

    return choose


@pytest.fixture
def download() -> Callable[[Page, str], bytes]:
    """What a click on the button of that name brings to the user's disk, once the page stands."""

    def click(page: Page, name: str) -> bytes:
        drawn(page)
        with page.expect_download() as brought:
            page.get_by_role("button", name=name, exact=True).click()
        return Path(brought.value.path()).read_bytes()

    return click


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Notes a time that was measured; it is printed at the end and never asserted."""
    return partial(record_property, "measured")
