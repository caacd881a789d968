"""What an address names and nobody knows is said, and the default or the rest stands for it."""

from collections.abc import Callable

import pytest
from state.parameters import PARAMETERS, read
from streamlit.testing.v1 import AppTest

from xai_core import headline


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("secam[", "'secam[' is not spelled name or name[setting=value,...]"),
        ("secam[x=1]", "secam has no setting x; it has: segments, compactness"),
        ("lime[samples=x]", "lime: samples must be a whole number from 10 to 20000"),
        ("nobody", "there is no nobody"),
    ],
)
def test_an_unknown_method_is_named_and_left_out(spec: str, reason: str) -> None:
    kept, problems = read("methods", f"cam {spec} lime[samples=100]")
    assert kept == ["cam", "lime[samples=100]"]
    assert len(problems) == 1
    assert problems[0].startswith(f"The address names {spec}, which is left out: {reason}")
    assert read("methods", spec)[0] == list(headline.METHODS)


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("opacity", "7", "0.7"),
        ("opacity", "nan", "0.7"),
        ("channels", "inf", "4"),
        ("view", "upside down", "overlay"),
        ("levels", "one", "nothing"),
        ("topic", "nobody", "secam"),
        ("compactness", "x", "10.0"),
    ],
)
def test_an_unknown_value_is_named_and_replaced(name: str, text: str, shown: str) -> None:
    value, problems = read(name, text)
    assert value == PARAMETERS[name].default
    assert problems == [f"The address has {name}={text}, which is not known: it shows {shown}."]


def test_every_default_is_read_as_it_is_spelled() -> None:
    for name, parameter in PARAMETERS.items():
        if parameter.default not in ("", []):
            assert read(name, parameter.spell(parameter.default)) == (parameter.default, [])


def test_the_page_says_what_it_left_out(open_page: Callable[..., AppTest]) -> None:
    app = open_page("compare", methods="secam[ cam", opacity="7")
    said = "".join(html.proto.body for html in app.get("html"))
    assert "secam[, which is left out" in said
    assert "opacity=7, which is not known" in said
    assert app.session_state["methods"] == ["cam"]
