"""The server: whoever comes first finds the pages loaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DASHBOARD = Path(__file__).resolve().parents[2] / "dashboard"
SERVE = f"""
import asyncio, sys, time
sys.path.insert(0, {str(DASHBOARD)!r})
from runs import cached
from app import app
from compute.desk import Desk
begun = []
Desk.start = lambda desk: begun.append(desk)

async def serve():
    told, heard = asyncio.Queue(), asyncio.Queue()
    await told.put({{"type": "lifespan.startup"}})
    serving = asyncio.create_task(app({{"type": "lifespan"}}, told.get, heard.put))
    print((await heard.get())["type"])
    end = time.monotonic() + 60
    while not begun and time.monotonic() < end:
        await asyncio.sleep(0.1)
    loaded = [name in sys.modules for name in ("frame.cards", "frame.results_page", "torch")]
    print(*loaded, begun != [])
    await told.put({{"type": "lifespan.shutdown"}})
    await serving
    print((await heard.get())["type"])

asyncio.run(serve())
"""


@pytest.mark.slow
def test_what_pages_import_is_loaded_before_anybody_comes() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SERVE], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.splitlines() == [
        "lifespan.startup.complete",
        "True True False True",
        "lifespan.shutdown.complete",
    ], done.stderr[-2000:]
    assert "Traceback" not in done.stderr
