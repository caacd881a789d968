"""Costs: what is known, what follows from it, and what is left open."""

import pytest
from frame import evidence
from runs import costs

NOTED = {
    "methods": {"cam": 1.0, "lime": 500.0, "ablation_cam[channels=256]": 257.0, "occlusion": 170.0},
    "metrics": {"deletion": 14.0},
}


@pytest.fixture(autouse=True)
def _noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "passes", lambda kind="methods": NOTED[kind])


@pytest.mark.parametrize(
    ("spec", "passes"),
    [
        ("cam", 1),
        ("lime[samples=2000]", 2000),
        ("lime[segments=80]", None),
        ("occlusion[window=10]", None),
        ("ablation_cam", None),
        ("rise", None),
    ],
)
def test_passes_follow_the_number_of_samples_alone(spec: str, passes: float | None) -> None:
    assert costs.passes_of(spec) == passes


def test_what_is_not_known_comes_after_its_like() -> None:
    methods = ["rise", "ablation_cam", "lime[samples=50]", "occlusion[window=10]", "cam"]
    expected = ["cam", "rise", "lime[samples=50]", "occlusion[window=10]", "ablation_cam"]
    dear = costs.cheapest_first(methods)
    assert list(dear) == expected
    assert dear["ablation_cam"] > evidence.AT_ONCE
    assert dear["rise"] > evidence.SHARED  # what nobody knows must hold up no other map


def test_the_estimate_counts_what_is_known_and_names_the_rest() -> None:
    methods, metrics = ("cam", "lime[samples=1000]", "occlusion[window=10]"), ("deletion", "road")
    assert costs.estimate(methods, metrics)[0] in (None, 1 + 1000 + 3 * 14)
    assert costs.not_counted(methods, metrics) == ["Occlusion (window 10)", "ROAD"]
