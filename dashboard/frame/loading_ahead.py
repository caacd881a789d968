"""Loading ahead: what pages import is loaded before it is asked for, while no page is drawn.

Python runs one thread at a time: what is loaded while a page is drawn holds it up.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from menu import FILES

DASHBOARD = Path(__file__).parents[1]
LIBRARIES = ("pandas", "pyarrow.parquet", "plotly.graph_objects")
"""What Streamlit and pages import when the first table or chart is drawn."""
FIRST_SECONDS = 3.0
"""How long a new server waits for a browser that `streamlit run` opens."""
LOOK_SECONDS = 0.1
_DRAWN, _LOCK = set[int](), threading.Lock()
"""The threads that draw a page now."""


@contextmanager
def giving_way() -> Iterator[None]:
    """Nothing is loaded ahead meanwhile: this thread draws a page."""
    own = threading.get_ident()
    with _LOCK:
        _DRAWN.add(own)
    try:
        yield
    finally:
        with _LOCK:
            _DRAWN.discard(own)


def rooms_modules() -> list[str]:
    """All modules of the dashboard's rooms but the pages themselves; of the first page's first."""
    pages = {DASHBOARD / file for file in FILES.values()}
    files = {file for file in DASHBOARD.glob("*/*.py") if file not in pages}
    first = Path(next(iter(FILES.values()))).parent
    names = [
        file.relative_to(DASHBOARD).with_suffix("").as_posix().replace("/", ".")
        for file in sorted(files, key=lambda file: (file.parent.name != first.name, file))
        if file.name != "__init__.py"
    ]
    return names


async def load_ahead() -> None:
    """Import them one by one, and then have the worker load."""
    await asyncio.sleep(FIRST_SECONDS)
    for name in (*rooms_modules(), *LIBRARIES):
        while _DRAWN:
            await asyncio.sleep(LOOK_SECONDS)
        await asyncio.to_thread(import_module, name)
    cached = import_module("runs.cached")
    await asyncio.to_thread(lambda: cached.desk().start())
