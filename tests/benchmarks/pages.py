"""Seconds until pages are drawn, of this project and of other checkouts of it, one after the other.

    python tests/benchmarks/pages.py
    python tests/benchmarks/pages.py --beside /tmp/before --repeats 5

Each round starts a server of each checkout and a browser that has seen nothing. "cold" opens the
page as soon as the server answers, and counts from the server's start; "rested" opens it 25 s later
as first visitor, and counts from then; "warm" opens every page once before, and measures then.
"drawn" is the page's heading with its script at its end, "finished" also that nothing is computed
any more. Printed are medians, and this project's over the other's. It wants a quiet machine and
chromium.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
SCRIPT_ENDED = "!!document.querySelector('[data-testid=stApp][data-test-script-state=notRunning]')"
QUIET = (
    f"!document.body.innerText.includes('computing …') && {SCRIPT_ENDED} "
    "&& !document.querySelector('[data-testid=stSkeleton]')"
)
TIMEOUT_MS = 180_000
STATES = ("cold", "rested", "warm")
REST_SECONDS = 25.0


@contextmanager
def serving(checkout: Path) -> Iterator[str]:
    """The address of a new server of a checkout."""
    with socket.socket() as free, tempfile.TemporaryDirectory() as folder:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        command = [Path(sys.executable).with_name("streamlit"), "run", "dashboard/app.py"]
        process = subprocess.Popen(
            [*command, f"--server.port={port}", "--server.headless=true"],
            cwd=checkout,
            env={**os.environ, "PYTHONPATH": str(checkout), "CAMPARE_RUNS": folder},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        address = f"http://127.0.0.1:{port}"
        try:
            wait_for(address)
            yield address
        finally:
            process.terminate()
            process.wait(timeout=60)


def wait_for(address: str) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"{address} does not answer")


def opened(browser: Browser, address: str, start: float) -> tuple[float, float]:
    """Seconds since `start` until a page is drawn and until it is finished, in a new context."""
    context = browser.new_context(viewport={"width": 1280, "height": 1100})
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    page.goto(address)
    page.wait_for_selector("h1.title")
    page.wait_for_function(f"() => {SCRIPT_ENDED}")
    drawn = time.perf_counter() - start
    page.wait_for_function(f"() => {QUIET}")
    finished = time.perf_counter() - start
    context.close()
    return drawn, finished


def rounds(checkouts: list[Path], pages: list[str], repeats: int, state: str) -> None:
    is_warm = state == "warm"
    times: dict[tuple[str, Path], list[tuple[float, float]]] = {}
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium")
        for _ in range(repeats):
            for page in [""] if is_warm else pages:
                for checkout in checkouts:
                    browser = playwright.chromium.launch(
                        executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
                    )
                    begun = time.perf_counter()
                    with serving(checkout) as address:
                        if is_warm:
                            for name in pages:
                                opened(browser, f"{address}/{name}", 0.0)
                            time.sleep(5)
                        if state == "rested":
                            time.sleep(REST_SECONDS)
                        for name in pages if is_warm else [page]:
                            start = begun if state == "cold" else time.perf_counter()
                            seen = opened(browser, f"{address}/{name}", start)
                            times.setdefault((name, checkout), []).append(seen)
                    browser.close()
    told(times, checkouts, pages, state)


def told(
    times: dict[tuple[str, Path], list[tuple[float, float]]],
    checkouts: list[Path],
    pages: list[str],
    state: str,
) -> None:
    for name in pages:
        words = []
        for place, what in enumerate(("drawn", "finished")):
            found = [
                statistics.median(seen[place] for seen in times[name, checkout])
                for checkout in checkouts
            ]
            others = "".join(f" / {value:.2f} = {found[0] / value:.2f}" for value in found[1:])
            words.append(f"{what} {found[0]:.2f} s{others}")
        print(f"{state} {name or 'compare':<18} {'; '.join(words)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--beside", type=Path, nargs="*", default=[], help="other checkouts")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--pages", nargs="+", help="names of pages; all when left out")
    parser.add_argument("--state", choices=STATES, nargs="+", default=STATES)
    chosen = parser.parse_args()
    sys.path.insert(0, str(ROOT / "dashboard"))
    from menu import FILES

    pages = chosen.pages or list(FILES)
    pages = ["" if name == "compare" else name for name in pages]
    print(f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for state in chosen.state:
        rounds([ROOT, *chosen.beside], pages, chosen.repeats, state)


if __name__ == "__main__":
    main()
