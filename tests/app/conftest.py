"""The dashboard's modules lie beside its script, as Streamlit puts them on the path."""

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from menu import FILES
from runs import cached
from streamlit.testing.v1 import AppTest

from tests.app.at_once import AtOnce

DASHBOARD = Path(__file__).resolve().parents[2] / "dashboard"


@pytest.fixture(scope="session", autouse=True)
def _answered_in_this_process() -> Iterator[None]:
    """Pages have their questions answered here: no test but those of workers starts one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cached, "Workers", AtOnce)
        yield


@pytest.fixture
def open_page() -> Callable[..., AppTest]:
    """Opens a page of the real app, through its router, with an address' parameters."""

    def page(name: str = "compare", **address: str) -> AppTest:
        app = AppTest.from_file(str(DASHBOARD / "main.py"), default_timeout=60)
        for key, value in address.items():
            app.query_params[key] = value
        app.run()
        if name != "compare":
            app.switch_page(FILES[name]).run()
        assert not app.exception
        return app

    return page


@pytest.fixture
def tables() -> Callable[[AppTest], list[pd.DataFrame]]:
    """The short tables of a page, as the text that is shown."""

    def found(app: AppTest) -> list[pd.DataFrame]:
        boxes = [html.proto.body for html in app.get("html") if "<table><thead>" in html.proto.body]
        return [_table(ET.fromstring(box)) for box in boxes]

    return found


def _table(box: ET.Element) -> pd.DataFrame:
    header, *rows = [["".join(cell.itertext()) for cell in row] for row in box.iter("tr")]
    return pd.DataFrame(rows, columns=header)
