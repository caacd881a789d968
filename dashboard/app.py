"""The app, as `streamlit run` serves it: what every page draws is in main.py."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import ahead
import streamlit as st
from giving_way import Requests
from repairs import repair
from starlette.middleware import Middleware


@asynccontextmanager
async def _prepared(app: st.App) -> AsyncIterator[None]:
    drawing = asyncio.create_task(ahead.draw_pages())
    yield
    drawing.cancel()


repair()
app = st.App(
    Path(__file__).with_name("main.py"), lifespan=_prepared, middleware=[Middleware(Requests)]
)
