"""The dashboard's modules lie beside its script, as Streamlit puts them on the path."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

DASHBOARD = Path(__file__).resolve().parents[2] / "dashboard"
if str(DASHBOARD) not in sys.path:
    sys.path.insert(0, str(DASHBOARD))


@pytest.fixture
def open_page() -> Callable[..., AppTest]:
    """Opens a page of the real app, through its router, with an address' parameters."""

    def page(name: str = "compare", **address: str) -> AppTest:
        app = AppTest.from_file(str(DASHBOARD / "app.py"), default_timeout=60)
        for key, value in address.items():
            app.query_params[key] = value
        app.run()
        if name != "compare":
            app.switch_page(f"views/{name}.py").run()
        assert not app.exception
        return app

    return page
