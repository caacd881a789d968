"""The app, as `streamlit run` serves it: what every page draws is in main.py."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from frame import warming
from frame.repairs import repair


@asynccontextmanager
async def _prepared(app: st.App) -> AsyncIterator[None]:
    drawing = asyncio.create_task(warming.warm_up())
    yield
    drawing.cancel()


repair()
app = st.App(Path(__file__).with_name("main.py"), lifespan=_prepared)
