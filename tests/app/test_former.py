"""Results of a former code are named; those of now are not."""

from typing import Any

import pytest
from runs.former import former_results, former_says

from xai_core.ground_truth.benchmarks import BENCHMARKS
from xai_core.methods import METHODS
from xai_core.metrics import METRICS
from xai_core.recipe import Recipe, key_of


def manifest(methods: dict[str, Recipe], metrics: dict[str, Recipe]) -> dict[str, Any]:
    def entries(recipes: dict[str, Recipe]) -> dict[str, Any]:
        return {
            key or recipe.key(): {
                "name": recipe.name, "label": recipe.label(), "settings": recipe.settings()
            }
            for key, recipe in recipes.items()
        }  # fmt: skip

    return {"methods": entries(methods), "metrics": entries(metrics)}


@pytest.mark.parametrize("recipe", [*METHODS.values(), *METRICS.values(), *BENCHMARKS.values()])
def test_a_key_follows_from_what_is_written_of_a_recipe(recipe: type[Recipe]) -> None:
    made = recipe()
    assert key_of(made.name, made.revision, made.settings(), made.declared()) == made.key()


def test_results_of_now_are_not_named() -> None:
    now = manifest({"": METHODS["rise"]()}, {"": METRICS["average_drop"]()})
    assert former_results(now) == []
    assert former_says(now) == ""


def test_a_former_method_metric_and_benchmark_are_named() -> None:
    benchmark = BENCHMARKS["part_correlation"]()
    old = manifest(
        {"0" * 12: METHODS["rise"]()}, {"1" * 12: METRICS["average_drop"](), "": benchmark}
    )
    assert former_says(old) == (
        "Computed before a correction of the values: RISE and Average drop. "
        "Evaluate again for those of now."
    )
    old = manifest({}, {"2" * 12: benchmark})
    assert former_results(old) == [benchmark.label()]


def test_many_are_counted() -> None:
    many = manifest({f"{n:012}": METHODS[name]() for n, name in enumerate(list(METHODS)[:9])}, {})
    assert "and 3 more." in former_says(many)
