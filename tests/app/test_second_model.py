"""Two models on one image: the address names both, their rows stand together, maps subtract."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from compare import second_model
from compare.difference import difference
from frame.evidence import Evidence
from state.choices import Choices
from streamlit.testing.v1 import AppTest

from xai_core import DATA
from xai_core.images.reading import Photo
from xai_core.models.torchvision_networks import build_network
from xai_core.training.trainer import save_network

Page = Callable[..., AppTest]
CHOSEN = Choices("x", "orchard", ("cam",), "1", (), 0.7, "overlay", "whole", 0.8, 50, 10.0)
needs_models = pytest.mark.skipif(
    not (DATA / "models" / "orchard_control.safetensors").is_file(),
    reason="data/models/orchard_control is not here: make it with campare orchard",
)


def settled(app: AppTest) -> str:
    """The page's text once everything is computed."""
    for _ in range(150):
        text = "\n".join(html.proto.body for html in app.get("html"))
        if "computing …" not in text and "higher on" in text:
            break
        time.sleep(0.2)
        app.run()
    return text


@needs_models
def test_a_link_shows_one_image_under_two_models(open_page: Page) -> None:
    app = open_page(methods="cam grad_cam", beside="orchard_control")
    text = settled(app)
    order = [
        text.index(words)
        for words in ("orchard: <b>", "orchard_control: <b>", "orchard_control minus orchard<")
    ]
    assert order == sorted(order)
    assert text.count("orchard_control higher on") == 2  # one sentence for each method
    # CAM and Grad-CAM are one map here, so each model's difference is the same for both
    said = [part.split("<")[0] for part in text.split("orchard_control higher on ")[1:]]
    assert said[0] == said[1]
    assert "orchard_control" in app.query_params["beside"]


@needs_models
def test_without_a_second_model_nothing_is_added(open_page: Page) -> None:
    app = open_page(methods="cam", beside="orchard")
    text = "\n".join(html.proto.body for html in app.get("html"))
    assert " minus orchard" not in text
    assert "rowtitle'><b>" in text


def test_a_second_model_that_cannot_be_loaded_is_named(open_page: Page) -> None:
    app = open_page(methods="cam", beside="no_such_model")
    for _ in range(30):
        text = "\n".join(html.proto.body for html in app.get("html"))
        if "no_such_model: " in text and "computing …" not in text:
            break
        time.sleep(0.2)
        app.run()
    assert "role='alert'>no_such_model: " in text
    assert "orchard: <b>" in text  # the first model's row is there all the same


def test_a_second_model_of_other_classes_explains_its_own(
    open_page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAMPARE_RUNS", str(tmp_path / "runs"))  # where models are remembered
    form = {"size": 64, "resize": 64, "mean": [0.5] * 3, "std": [0.25] * 3}
    names = ("AC/DC", "moon", "sweet *corn*")
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = build_network("squeezenet1_1", len(names))
    card = {"architecture": "squeezenet1_1", "categories": names, "form": form}
    save_network(network, card, tmp_path / "other", "other")
    app = open_page(methods="grad_cam", beside=str(tmp_path / "other"))
    for _ in range(100):
        text = "\n".join(html.proto.body for html in app.get("html"))
        if "its own top class" in text and "computing …" not in text:
            break
        time.sleep(0.2)
        app.run()
    assert "other does not know the class apple; its own top class is explained." in text
    assert any(f"other: <b>{name}</b>" in text for name in names)
    assert " minus orchard" not in text
    assert str(tmp_path) not in str(dict(app.query_params))  # a link without this machine's paths


def test_the_difference_of_equal_maps_is_nothing_and_turns_with_the_models() -> None:
    first, second = np.random.default_rng(0).normal(size=(2, 8, 8)).astype(np.float32)
    assert second_model.clear_says(difference(first, 3 * first), "a", "b") == (
        "b higher on 0 %, a on 0 %"
    )
    there = second_model.clear_says(difference(second, first), "a", "b")
    back = second_model.clear_says(difference(first, second), "b", "a")
    b_share, a_share = (part.rpartition(" on ")[2] for part in there.split(", "))
    assert back == f"a higher on {a_share}, b on {b_share}"


def form(size: int, resize: int) -> tuple[tuple[str, object], ...]:
    return (("size", size), ("resize", resize), ("mean", (0.5,) * 3), ("std", (0.2,) * 3))


def test_maps_of_other_sizes_meet_on_the_same_part_of_the_image(photos: list[Photo]) -> None:
    one = Evidence(photos[0], None, form=form(64, 72))
    two = Evidence(photos[0], None, form=form(32, 40))
    values = np.full((32, 32), 2.5, np.float32)
    like = np.zeros((64, 64), np.float32)
    np.testing.assert_array_equal(
        second_model.on_input(values, two, like), np.full((64, 64), 2.5, np.float32)
    )
    assert second_model.sees_the_same(one, two, CHOSEN)
    cropped = replace(CHOSEN, framing="center_crop")
    assert not second_model.sees_the_same(one, two, cropped)
    assert second_model.sees_the_same(one, Evidence(photos[0], None, form=form(32, 36)), cropped)
