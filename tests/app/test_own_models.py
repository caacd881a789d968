"""Models that people add: a short name for each, no path in an address, no code for visitors."""

from collections.abc import Callable
from pathlib import Path

import pytest
from compare.knowledge import says
from frame import add_model
from state import named_models
from state.named_models import NamedModel
from streamlit.testing.v1 import AppTest

from xai_core.models.recognised import Recognised, knows


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMPARE_RUNS", str(tmp_path / "runs"))


FULL = NamedModel("/a/w.pth", "resnet18", "n.txt", 96, 100, (0.5,), (0.25,), "sigmoid")


def test_a_model_is_spelled_and_read_again() -> None:
    for network in (NamedModel("orchard"), NamedModel("/a/w.pth", "resnet18", "n.txt"), FULL):
        assert NamedModel.parse(network.spell()) == network
    assert FULL.options()[-10:] == [
        *("--size", "96", "--resize", "100", "--outputs", "sigmoid"),
        *("--mean", "0.5", "--std", "0.25"),
    ]


def test_names_are_short_stay_and_differ() -> None:
    first, other = NamedModel("/a/w.pth", "resnet18"), NamedModel("/b/w.pth", "resnet18")
    assert named_models.remember(first) == "own:w"
    assert named_models.remember(other) == "own:w-2"
    assert named_models.remember(first) == "own:w"
    assert named_models.recent() == ["own:w", "own:w-2"]
    assert named_models.resolved("own:w-2") == other.spell()
    assert named_models.resolved("orchard") == "orchard"
    for number in range(12):
        named_models.remember(NamedModel(f"/c/{number}.pth", "resnet18"))
    assert len(named_models.recent()) == named_models.KEPT_MODELS


def test_a_damaged_list_of_models_is_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / ".models.json").write_text("[1, {")
    assert named_models.recent() == []


def test_a_path_becomes_a_name_and_a_name_stays(tmp_path: Path) -> None:
    file = tmp_path / "mine.pth"
    file.write_bytes(b"")
    assert named_models.without_path(f"resnet18@{file}") == "own:mine"
    for name in ("orchard", "resnet50:IMAGENET1K_V1", "timm:resnet18", "own:mine", "/no/such"):
        assert named_models.without_path(name) == name


CHOOSING = """
import streamlit as st
from state import model_choice
st.session_state.setdefault("model", "orchard")
st.button("Take", on_click=model_choice.take_model, args=("resnet50",))
model_choice.ask_model(["orchard", "resnet50"])
st.checkbox("Another", key="another")
"""


def test_a_browser_that_has_not_heard_of_a_new_model_does_not_undo_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = AppTest.from_string(CHOOSING).run()
    app.button[0].click().run()
    assert app.session_state["model"] == "resnet50"
    app.checkbox[0].check()
    app.selectbox[0].set_value("orchard").run()  # as the browser's control still stands
    assert app.session_state["model"] == "resnet50"
    monkeypatch.setattr("state.choices.SETTLING_SECONDS", 0.0)
    app.selectbox[0].set_value("orchard").run()  # a choice
    assert app.session_state["model"] == "orchard"


@pytest.mark.parametrize("code", ["/a/b.py:net", "/a/b.py", "/a/b.py@w.pth", "/a/b.py:net@/a/out"])
def test_visitors_run_no_python_files(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert named_models.resolved(code) == code
    monkeypatch.setattr(named_models, "is_hosted", lambda: True)
    assert named_models.resolved(code) == named_models.REFUSED
    assert named_models.resolved("/a/b.pth") == "/a/b.pth"


def test_no_address_holds_a_path(open_page: Callable[..., AppTest], tmp_path: Path) -> None:
    file = tmp_path / "mine.pth"
    file.write_bytes(b"no weights")
    app = open_page(methods="cam", model=f"resnet18@{file}", folder=str(tmp_path))
    assert app.session_state["model"] == "own:mine"
    assert not [text for text in app.query_params.values() if str(tmp_path) in str(text)]


def test_what_the_model_knows_is_said() -> None:
    assert says("orchard", ("apple", "pear")).startswith(
        "This model (orchard) knows 2 drawn fruits: apple, pear. "
    )
    assert "knows 20 classes, for example a, b, c, d, e. " in says(
        "other", tuple("abcdefghijklmnopqrst")
    )


def test_what_was_recognised_is_said_and_nothing_is_markup() -> None:
    names = tuple(f"<i>{n}" for n in range(1000))
    found = Recognised(
        text="x", source="", name="<b>x", architecture="", size=(224, 224), resize=256,
        mean=(0.5,), std=(0.5,), outputs="softmax", meaning="one of the classes (softmax)",
        categories=names, knows=knows(names, "softmax"), stages=("layer4",), layouts=("NCHW",),
        notes=("assumed <u>",),
    )  # fmt: skip
    said = add_model.says({"rows": found.rows})
    assert "&lt;b&gt;x" in said
    assert "<b>" not in said
    assert "<i>" not in said
    assert "<u>" not in said
    assert "knows 1,000 classes, for example &lt;i&gt;0, " in said
    assert "1 channel, 224 x 224 px, resize 256, mean 0.5, std 0.5" in said
    assert "layer4 (NCHW)" in said


def test_the_form_shows_what_was_recognised_before_it_is_used(
    open_page: Callable[..., AppTest],
) -> None:
    app = open_page(methods="cam")
    next(b for b in app.button if str(b.key).startswith("_add.")).click().run()
    app.text_input(key="_model.name").set_value("orchard_control").run()
    for _ in range(40):
        if any(b.label == "Use this model" for b in app.button):
            break
        app.run()
    assert app.session_state["model"] == "orchard"
    said = "".join(html.proto.body for html in app.get("html"))
    assert "Recognised" in said
    assert "knows 21 drawn fruits, for example apple, banana" in said
    assert "one of the classes (softmax)" in said
    next(b for b in app.button if b.label == "Use this model").click().run()
    assert app.session_state["model"] == "orchard_control"
    assert app.query_params["model"] == "orchard_control"
