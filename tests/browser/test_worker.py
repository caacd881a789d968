"""Pages without torch, and a worker that dies in the middle of a map."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlparse

import numpy as np
import psutil
import pytest
from menu import FILES
from PIL import Image
from playwright.sync_api import Page, expect

from xai_core import DATA

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(
        not (DATA / "runs" / "shipped" / "gallery" / "index.json").is_file(),
        reason="data/runs/shipped is not here: make it with python -m xai_core",
    ),
    pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="no /proc here"),
]
Open = Callable[..., Page]
PAGES = ["" if name == "compare" else name for name in FILES]
SECONDS = 180.0
LIBRARIES = ("libtorch", "libc10", "torchvision")


@pytest.fixture
def server_process(new_server: str) -> psutil.Process:
    """The process that serves pages at that address."""
    port = urlparse(new_server).port
    for one in psutil.Process().children():
        if f"--server.port={port}" in one.cmdline():
            return one
    raise LookupError(port)


def torch_in(process: psutil.Process) -> list[str]:
    """The libraries of torch in the memory map of a process."""
    mapped = Path(f"/proc/{process.pid}/maps").read_text().splitlines()
    return [line for line in mapped if any(name in line for name in LIBRARIES)]


def workers_of(server: psutil.Process) -> list[psutil.Process]:
    """Those that have loaded torch."""
    return [one for one in server.children(recursive=True) if torch_in(one)]


def waited_for(server: psutil.Process) -> psutil.Process:
    """The worker, in the middle of something that takes long."""
    end = time.monotonic() + SECONDS
    while not workers_of(server) and time.monotonic() < end:
        time.sleep(0.2)
    (worker,) = workers_of(server)
    begun = worker.cpu_times().user
    while worker.cpu_times().user < begun + 3 and time.monotonic() < end:
        time.sleep(0.2)
    return worker


def small_picture(file: Path) -> Path:
    pixels = np.stack([np.mgrid[0:200, 0:300].sum(0) % 256] * 3, axis=-1)
    pixels[60:120, 90:200, 0] = 230
    Image.fromarray(pixels.astype(np.uint8)).save(file)
    return file


def test_the_page_server_never_loads_torch(
    open_first: Open,
    server_process: psutil.Process,
    upload: Callable[..., None],
    tell: Callable[[str], None],
    tmp_path: Path,
) -> None:
    for name in PAGES:
        open_first(name)
    page = open_first("?methods=cam+secam+grad_cam")
    upload(page, small_picture(tmp_path / "small.png"))
    expect(page.get_by_text("300 × 200 px")).to_be_visible()
    page.wait_for_selector(".layers img[alt^='Grad-CAM for']")
    expect(page.locator(".card table")).to_have_count(3)
    assert torch_in(server_process) == []
    assert len(workers_of(server_process)) == 1
    ports = [port for port in server_process.net_connections("tcp") if port.status == "LISTEN"]
    for one in server_process.children(recursive=True):
        ports += [port for port in one.net_connections("tcp") if port.status == "LISTEN"]
    assert {port.laddr.ip for port in ports} == {"127.0.0.1"}
    tell(f"page server: {server_process.memory_info().rss / 2**20:.0f} MiB")


def test_an_upload_on_the_first_visit_of_a_cold_server_stays(
    open_first: Open, upload: Callable[..., None], settled: Callable[[Page], None], tmp_path: Path
) -> None:
    """The start cards go with it: controls that move must not begin anew with another image."""
    page = open_first("")
    upload(page, small_picture(tmp_path / "small.png"), 3.0)
    expect(page).to_have_url(re.compile("image=upload-"))
    page.wait_for_selector(".layers img[alt^='Grad-CAM for']")
    settled(page)
    assert "image=upload-" in page.url
    expect(page.get_by_text("300 × 200 px")).to_be_visible()


def test_a_worker_that_is_killed_is_told_of_and_its_map_comes_all_the_same(
    open_first: Open, server_process: psutil.Process, tell: Callable[[str], None]
) -> None:
    page = open_first("?methods=cam+lime[samples=300]&image=kiwi-1-1&framing=center_crop")
    page.wait_for_selector(".layers img[alt^='CAM for']")
    other = open_first("?methods=cam+secam")
    cards = other.locator(".card").all_inner_texts()
    waited_for(server_process).send_signal(signal.SIGKILL)
    begin = time.perf_counter()
    expect(page.get_by_role("status").get_by_text("has ended unexpectedly")).to_be_visible()
    tell(f"a killed worker is told of after {time.perf_counter() - begin:.2f} s")
    assert page.locator(".layers img[alt^='CAM for']").count() == 1
    other.get_by_role("slider", name="Opacity of the map").focus()
    other.keyboard.press("ArrowLeft")
    expect(other).to_have_url(re.compile(r"opacity=0\.65"))
    page.wait_for_selector(".layers img[alt^='LIME (']")
    tell(f"and its LIME is there after {time.perf_counter() - begin:.2f} s")
    expect(page.get_by_text("has ended unexpectedly")).to_have_count(0)
    assert other.get_by_text("has ended unexpectedly").count() == 0
    assert other.locator(".card").all_inner_texts() == cards
