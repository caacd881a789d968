"""Relations' wording: what is said of two aims, on tables where the right sentence is known."""

from __future__ import annotations

import pandas as pd

from xai_core.findings.relations_wording import speed_says, two_aims_say

MANIFEST = {
    "dataset": "own", "classifier": {"name": "net"},
    "metrics": {
        "1": {"spec": "deletion", "higher_is_better": False},
        "2": {"spec": "insertion", "higher_is_better": True},
    },
}  # fmt: skip
WHERE = "On own (model net, n = 9 images)"


def points(**methods: tuple[float, float]) -> pd.DataFrame:
    return pd.DataFrame(
        [{"name": n, "baseline": n == "Null", "x": x, "y": y} for n, (x, y) in methods.items()]
    )


def test_the_best_mean_and_what_the_fastest_reaches() -> None:
    table = points(A=(2.0, 0.1), B=(0.03, 0.25), Null=(1e-5, 0.0), C=(float("nan"), 0.0))
    assert speed_says(table, "deletion", MANIFEST, 9) == (
        f"{WHERE}, A has the best mean in deletion (0.100) at 2 s per image; the fastest, B at "
        "0.03 s, has 0.250."
    )
    assert speed_says(table, "insertion", MANIFEST, 9) == (
        f"{WHERE}, B has the best mean in insertion (0.250) at 0.03 s per image and is the fastest "
        "method."
    )
    assert "no method but null baselines" in speed_says(
        points(Null=(1, 1)), "deletion", MANIFEST, 9
    )


def test_two_aims_have_one_name_or_two() -> None:
    table = points(A=(0.1, 0.1), B=(0.2, 0.9), Null=(0.0, 1.0))
    both = ("deletion", "insertion")
    assert two_aims_say(table, both, MANIFEST, 9) == (
        f"{WHERE}, A has the best mean in deletion and B has the best mean in insertion."
    )
    turned = two_aims_say(points(A=(0.1, 0.9), B=(0.2, 0.1)), both, MANIFEST, 9)
    assert turned == f"{WHERE}, A has the best mean in deletion and insertion."


def test_one_method_is_neither_best_nor_fastest() -> None:
    alone = points(A=(2.0, 0.1), Null=(1e-5, 0.0))
    said = speed_says(alone, "deletion", MANIFEST, 9)
    assert said == f"{WHERE}, A takes 2 s per image; deletion 0.100."
    both = two_aims_say(alone, ("deletion", "insertion"), MANIFEST, 9)
    assert both == f"{WHERE}, A alone is scored by deletion and insertion."
