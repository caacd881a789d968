"""The app, as `streamlit run` serves it: what every page draws is in main.py."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from frame import housekeeping, loading_ahead
from frame.guarding import Guard
from frame.repairs import repair
from starlette.middleware import Middleware


@asynccontextmanager
async def _prepared(app: st.App) -> AsyncIterator[None]:
    work = (loading_ahead.load_ahead(), housekeeping.keep_house())
    tasks = [asyncio.create_task(one) for one in work]
    yield
    for task in tasks:
        task.cancel()


repair()
app = st.App(
    Path(__file__).with_name("main.py"), lifespan=_prepared, middleware=[Middleware(Guard)]
)
