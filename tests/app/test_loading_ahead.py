"""Loading ahead: it waits while a page is drawn, and goes on after."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace

import pytest
from frame import loading_ahead


def test_nothing_is_loaded_while_any_page_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    worker = SimpleNamespace(desk=lambda: SimpleNamespace(start=lambda: loaded.append("worker")))

    def load(name: str) -> object:
        loaded.append(name)
        return worker

    monkeypatch.setattr(loading_ahead, "import_module", load)
    monkeypatch.setattr(loading_ahead, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(loading_ahead, "LOOK_SECONDS", 0.01)
    ended = threading.Event()

    def draw_another() -> None:
        with loading_ahead.giving_way():
            ended.wait(10)

    async def visit() -> list[int]:
        counts = []
        other = threading.Thread(target=draw_another)
        other.start()
        with loading_ahead.giving_way():
            ahead = asyncio.create_task(loading_ahead.load_ahead())
            await asyncio.sleep(0.1)
            counts.append(len(loaded))
        await asyncio.sleep(0.1)
        counts.append(len(loaded))  # the other page is still drawn
        ended.set()
        await asyncio.wait_for(ahead, 10)
        other.join()
        return counts

    assert asyncio.run(visit()) == [0, 0]
    assert loaded == [
        *loading_ahead.rooms_modules(),
        *loading_ahead.LIBRARIES,
        "runs.cached",
        "worker",
    ]
