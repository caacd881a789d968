"""Two seeds of a sampling method: what is asked, what is known so far, and what is said of it."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from compute.questions import Answer, Question
from frame import seeds
from frame.evidence import Evidence
from recipes import facts
from runs import cached
from state import choices
from state.choices import Choices

from xai_core.catalog import configure
from xai_core.images.reading import Photo
from xai_core.methods import METHODS

CHOSEN = Choices(
    "p", "tiny", ("cam", "lime[segments=20]", "kernel_shap"), "1", (), 0.7, "overlay", "whole",
    0.8, 50, 10.0,
)  # fmt: skip


@pytest.fixture
def seen(photos: list[Photo]) -> Evidence:
    return Evidence(photos[0], None, "tiny", (), ("a", "b"), (0.3, 0.7), (1,))


def answers(monkeypatch: pytest.MonkeyPatch, known: dict[tuple[str, int, int], Answer]) -> None:
    """A desk that knows some maps by method, samples and seed."""

    def ask(session: str, questions: list[Any]) -> dict[Question, Answer]:
        found = {}
        for question in questions:
            method = configure([question.method], METHODS)[0]
            assert question.targets == (1,)
            key = (method.name, method.samples, method.seed)  # type: ignore[attr-defined]
            if key in known:
                found[question] = known[key]
        return found

    monkeypatch.setattr(cached, "desk", lambda: SimpleNamespace(ask=ask))
    monkeypatch.setattr(choices, "session", lambda part: f"me {part}")


def maps(*values: float) -> Answer:
    return Answer({"maps": np.array([[values]], dtype=np.float32)})


def test_only_methods_that_sample_are_followed(seen: Evidence) -> None:
    assert seeds.samplers(CHOSEN.methods) == ["lime[segments=20]", "kernel_shap"]
    assert seeds.samplers(("cam", "random", "secam")) == []


def test_a_setting_is_replaced_and_the_others_stay() -> None:
    spec = facts.changed("lime[segments=20,samples=900]", samples=50, seed=1)
    method = configure([spec], METHODS)[0]
    assert method == METHODS["lime"](segments=20, samples=50, seed=1)
    assert configure([facts.changed("lime", seed=1)], METHODS)[0] == METHODS["lime"](seed=1)


def test_points_are_rank_correlations_and_missing_ones_are_awaited(
    seen: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {
        ("lime", 50, 0): maps(1, 2, 3, 4),
        ("lime", 50, 1): maps(4, 3, 2, 1),
        ("lime", 100, 0): maps(1, 2, 3, 4),
        ("lime", 100, 1): maps(10, 20, 30, 90),
        ("lime", 200, 0): maps(1, 2, 3, 4),
        ("kernel_shap", 50, 0): Answer(error="too few samples"),
    }
    answers(monkeypatch, known)
    lime, shap = seeds.look(seen, CHOSEN, 1)
    assert lime.points == {50: pytest.approx(-1), 100: pytest.approx(1)}
    assert lime.pending
    assert (shap.points, shap.pending, shap.error) == ({}, False, "too few samples")
    said = seeds.says([lime, shap], "pear")
    assert "LIME (segments 20) 1.00 at 100 samples" in said
    assert said.endswith("computing …")
    assert "computing" not in seeds.says([replace(lime, pending=False)], "pear")
