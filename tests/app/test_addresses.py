"""What an address names and nobody knows is said, and the default or the rest stands for it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from menu import FILES
from state import choices
from state.parameters import PARAMETERS, read
from streamlit.testing.v1 import AppTest

from xai_core import headline


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("secam[", "'secam[' is not spelled name or name[setting=value,...]"),
        ("secam[x=1]", "secam has no setting x; it has: segments, compactness"),
        ("lime[samples=x]", "lime: samples must be a whole number from 10 to 20000"),
    ],
)
def test_an_unknown_method_is_named_and_left_out(spec: str, reason: str) -> None:
    kept, problems = read("methods", f"cam {spec} lime[samples=100]")
    assert kept == ["cam", "lime[samples=100]"]
    assert len(problems) == 1
    assert problems[0].startswith(f"Not found: {spec} ({reason}")
    assert problems[0].endswith("). Shown instead: CAM, LIME (samples 100).")
    assert read("methods", spec)[0] == list(headline.METHODS)


def test_what_is_no_method_or_metric_is_called_so() -> None:
    assert read("methods", "cam nobody") == (
        ["cam"], ["Not found: method nobody. Shown instead: CAM."]
    )  # fmt: skip
    assert read("metrics", "insertion nothing")[1] == [
        "Not found: metric nothing. Shown instead: Insertion."
    ]


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("opacity", "7", "0.7"),
        ("opacity", "nan", "0.7"),
        ("channels", "inf", "4"),
        ("view", "upside down", "Over the photo"),
        ("levels", "one", "all levels"),
        ("topic", "nobody", "SeCAM"),
        ("compactness", "x", "10.0"),
    ],
)
def test_an_unknown_value_is_named_and_replaced(name: str, text: str, shown: str) -> None:
    value, problems = read(name, text)
    assert value == PARAMETERS[name].default
    assert problems == [f"Not found: {name} {text}. Shown instead: {shown}."]


def test_every_default_is_read_as_it_is_spelled() -> None:
    for name, parameter in PARAMETERS.items():
        if parameter.default not in ("", []):
            assert read(name, parameter.spell(parameter.default)) == (parameter.default, [])


def test_the_page_says_what_it_left_out(open_page: Callable[..., AppTest]) -> None:
    app = open_page("compare", methods="secam[ cam", opacity="7")
    said = "".join(html.proto.body for html in app.get("html"))
    assert "Not found: secam[ (" in said
    assert "Not found: opacity 7. Shown instead: 0.7." in said
    assert app.session_state["methods"] == ["cam"]


@pytest.mark.parametrize(
    "page", ["leaderboard", "curves", "agreement", "sanity", "mistakes", "report"]
)
def test_an_unknown_run_is_named_and_so_is_what_is_shown(
    open_page: Callable[..., AppTest], page: str
) -> None:
    app = open_page("guide")
    app.switch_page(FILES[page])
    app.query_params["run"] = "doesnotexist"
    app.run()
    said = "".join(html.proto.body for html in app.get("html"))
    assert "Not found: run doesnotexist. Shown instead: shipped." in said


def test_what_was_not_found_is_said_until_something_is_chosen(
    open_page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts of a page that are drawn again while maps arrive must not take it away."""
    monkeypatch.setattr(choices, "SETTLING_SECONDS", 0.0)

    def said() -> str:
        return "".join(html.proto.body for html in app.get("html"))

    app = open_page("leaderboard", run="doesnotexist")
    asked = "Not found: run doesnotexist."
    assert asked in said()
    app.run()
    assert asked in said()
    app.multiselect(key="labels").set_value(["apple"]).run()
    assert asked not in said()


@pytest.mark.parametrize(
    ("page", "asked", "said"),
    [
        ("leaderboard", {"labels": "zebra"}, "class zebra. Shown instead: all classes"),
        ("leaderboard", {"levels": "1 9"}, "level 9. Shown instead: 1"),
        ("curves", {"shown": "cam camm"}, "method camm. Shown instead: cam"),
    ],
)
def test_what_a_list_names_in_vain_is_said(
    open_page: Callable[..., AppTest], page: str, asked: dict[str, str], said: str
) -> None:
    app = open_page(page, **asked)
    assert f"Not found: {said}." in "".join(html.proto.body for html in app.get("html"))


def test_a_place_on_this_computer_is_in_no_address(open_page: Callable[..., AppTest]) -> None:
    value, problems = read("model", "/nowhere/weights.pth")
    assert (value, len(problems)) == ("orchard", 1)
    app = open_page("compare", model="hf:/nowhere/model")
    assert "model" not in app.query_params


def test_a_folder_of_this_computer_is_read_from_an_address_but_never_written(
    open_page: Callable[..., AppTest], tmp_path: Path
) -> None:
    app = open_page("run", source="folder", folder=str(tmp_path))
    assert app.session_state["folder"] == str(tmp_path)
    app.run()
    assert "folder" not in app.query_params
    assert app.session_state["folder"] == str(tmp_path)


def test_a_link_with_former_names_is_followed(open_page: Callable[..., AppTest]) -> None:
    app = open_page("compare", picture="kiwi-1-1", network="orchard_control", methods="cam")
    assert app.session_state["image"] == "kiwi-1-1"
    assert app.session_state["model"] == "orchard_control"
    assert "picture" not in app.query_params
    assert app.query_params["model"] == "orchard_control"
