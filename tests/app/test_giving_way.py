"""What loads in the background waits for pages, keeps nobody else from loading, and ends."""

import asyncio
import importlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import giving_way
import pytest
from starlette.types import Receive, Scope, Send

ENOUGH = 30.0
_numbers = itertools.count()


@pytest.fixture(autouse=True)
def nobody_has_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(giving_way, "_requested", float("-inf"))
    monkeypatch.setattr(giving_way, "PAGE", ENOUGH)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Makes a module that nobody has imported yet; gives its name."""
    monkeypatch.syspath_prepend(tmp_path)

    def make() -> str:
        name = f"never_imported_{next(_numbers)}"
        (tmp_path / f"{name}.py").write_text("")
        importlib.invalidate_caches()
        return name

    return make


@pytest.fixture
def load() -> Iterator[Callable[..., threading.Thread]]:
    """Imports a module in a thread that gives way."""
    threads = []

    def start(name: str, is_wanted: Callable[[], bool] = lambda: False) -> threading.Thread:
        def work() -> None:
            with giving_way.background(is_wanted):
                __import__(name)

        threads.append(threading.Thread(target=work))
        threads[-1].start()
        return threads[-1]

    yield start
    for thread in threads:
        thread.join(ENOUGH)
        assert not thread.is_alive()


def test_loading_waits_until_the_page_is_drawn(
    module: Callable[[], str], load: Callable[..., threading.Thread]
) -> None:
    with giving_way.page():
        thread = load(module())
        thread.join(0.3)
        assert thread.is_alive()
    thread.join(ENOUGH)
    assert not thread.is_alive()


def test_the_page_itself_can_load_meanwhile(
    module: Callable[[], str], load: Callable[..., threading.Thread]
) -> None:
    with giving_way.page():
        thread = load(module())
        time.sleep(0.1)
        __import__(module())
        assert thread.is_alive()


def test_the_page_can_wait_for_what_is_loaded(
    module: Callable[[], str], load: Callable[..., threading.Thread]
) -> None:
    with giving_way.page():
        thread = load(module())
        thread.join(0.2)
        assert thread.is_alive()
        with giving_way.aside():
            thread.join(ENOUGH)
        assert not thread.is_alive()
        assert giving_way.is_busy()


def test_what_is_wanted_waits_for_no_request(
    module: Callable[[], str],
    load: Callable[..., threading.Thread],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(giving_way, "_requested", time.monotonic() + ENOUGH)
    wanted = threading.Event()
    thread = load(module(), wanted.is_set)
    thread.join(0.2)
    assert thread.is_alive()
    wanted.set()
    thread.join(ENOUGH)
    assert not thread.is_alive()


@pytest.mark.parametrize("limit", ["PAGE", "PATIENCE"])
def test_nothing_waits_for_ever(
    module: Callable[[], str],
    load: Callable[..., threading.Thread],
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
) -> None:
    monkeypatch.setattr(giving_way, limit, 0.1)
    with giving_way.page():
        thread = load(module())
        thread.join(ENOUGH)
        assert not thread.is_alive()


@pytest.mark.parametrize(("path", "counts"), [("/curves", True), ("/_stcore/health", False)])
def test_a_browser_that_asks_is_waited_for(path: str, counts: bool) -> None:
    asked: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope["path"])

    async def nothing(*_: object) -> dict[str, object]:
        return {}

    asyncio.run(giving_way.Requests(app)({"type": "http", "path": path}, nothing, nothing))
    assert asked == [path]
    assert giving_way.is_busy() == counts
