"""Compare: three ways to start, the difference of two maps, methods to skip."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from compare.difference import difference, says
from recipes import facts
from streamlit.testing.v1 import AppTest

from xai_core import DATA

Page = Callable[..., AppTest]
shipped = pytest.mark.skipif(
    not (DATA / "runs" / "shipped" / "gallery" / "index.json").is_file(),
    reason="data/runs/shipped is not here: make it with campare",
)


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def texts(app: AppTest) -> str:
    return "\n".join(html.proto.body for html in app.get("html"))


@shipped
def test_three_cards_begin_and_are_put_away(open_page: Page) -> None:
    app = open_page()
    assert {"**Compare an image**", "**Decide between methods**"} <= set(labels(app))
    next(b for b in app.button if b.label == "Hide").click().run()
    assert "**Compare an image**" not in labels(app)


@shipped
def test_a_link_shows_its_result_without_cards(open_page: Page) -> None:
    assert "**Compare an image**" not in labels(open_page(methods="cam"))


@shipped
def test_a_card_leads_to_its_page(open_page: Page) -> None:
    app = open_page()
    next(b for b in app.button if b.label == "**Decide between methods**").click().run()
    assert "Which method is best" in texts(app)


@shipped
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ({"methods": "cam camm"}, "Not found: method camm. Shown instead: CAM."),
        ({"image": "tomato"}, "Not found: image tomato. Shown instead: apple"),
        (
            {"methods": "cam", "classes": "named", "named": "tomato|pear"},
            "Not found: class tomato. Shown instead: pear.",
        ),
    ],
)
def test_what_an_address_names_and_is_not_here(
    open_page: Page, address: dict[str, str], said: str
) -> None:
    assert said in texts(open_page(**address))


def test_a_difference_is_on_one_scale() -> None:
    first = np.linspace(0, 1, 100, dtype=np.float32).reshape(10, 10)
    assert np.abs(difference(first, 1000 * first)).max() < 1e-6  # the same map in other units
    upside = difference(first, -first)
    assert upside.max() == pytest.approx(2)
    half = np.zeros((10, 10), np.float32)
    half[:5] = 0.5
    assert says(half, "CAM", "LIME").startswith("CAM is clearly higher on 50 % of the image (red), "
                                                "LIME on 0 % (blue)")  # fmt: skip


def test_methods_are_offered_by_family_and_all_of_them() -> None:
    known = facts.facts("methods")
    families = [known[name].family for name in facts.by_family()]
    assert sorted(facts.by_family()) == sorted(known)
    assert families[0] == "CAM"
    assert families[-1] == "baseline"
    assert len([1 for a, b in itertools.pairwise(families) if a != b]) == (len(set(families)) - 1)


@shipped
def test_a_method_can_be_skipped_and_taken_up_again(open_page: Page) -> None:
    app = open_page(methods="cam rise[samples=5000]")
    for _ in range(30):
        if any(b.label == "Skip" for b in app.button):
            break
        app.run()
    next(b for b in app.button if b.label == "Skip").click().run()
    assert "skipped" in texts(app)
    assert "computing …" not in texts(app)
    next(b for b in app.button if b.label == "Compute it").click().run()
    assert "computing …" in texts(app)
