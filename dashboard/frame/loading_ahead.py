"""Loading ahead: what pages import is loaded once the server answers, so that none waits for it."""

from __future__ import annotations

import asyncio
from importlib import import_module
from pathlib import Path

from menu import FILES

DASHBOARD = Path(__file__).parents[1]
LIBRARIES = ("pandas", "pyarrow.parquet", "plotly.graph_objects")
"""What Streamlit and pages import when the first table or chart is drawn."""


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
    """Import them, and then have the worker load."""
    for name in (*rooms_modules(), *LIBRARIES):
        await asyncio.to_thread(import_module, name)
    cached = import_module("runs.cached")
    await asyncio.to_thread(lambda: cached.desk().start())
