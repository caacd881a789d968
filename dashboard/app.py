"""The app, as `streamlit run` serves it: what every page draws is in main.py."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from repairs import repair
from streamlit.runtime import get_instance


@asynccontextmanager
async def _warm(app: st.App) -> AsyncIterator[None]:
    """The first page is drawn once for nobody: whoever comes first finds everything loaded."""
    visit = asyncio.create_task(get_instance().does_script_run_without_error())
    yield
    visit.cancel()


repair()
app = st.App(Path(__file__).with_name("main.py"), lifespan=_warm)
