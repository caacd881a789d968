"""Facts read from the source text equal the classes themselves."""

import pytest
from facts import facts, label_of, spec_of

from xai_core.catalog import configure
from xai_core.methods import METHODS
from xai_core.metrics import METRICS
from xai_core.recipe import Recipe

BOTH = [("methods", METHODS), ("metrics", METRICS)]
SHOWN = ("title", "reference", "formula", "caveat", "signed", "class_sensitive", "family")
SHOWN_METRIC = ("title", "reference", "formula", "caveat", "kind", "higher_is_better")


@pytest.mark.parametrize(("kind", "recipes"), BOTH)
def test_every_recipe_is_described_as_it_is(kind: str, recipes: dict[str, type[Recipe]]) -> None:
    described = facts(kind)  # type: ignore[arg-type]
    assert set(described) == set(recipes)
    for name, recipe in recipes.items():
        fact = described[name]
        for constant in SHOWN if kind == "methods" else SHOWN_METRIC:
            default = {"class_sensitive": True}.get(constant)
            assert fact.constants.get(constant, default) == getattr(recipe, constant), name
        assert fact.settings == recipe.declared(), name


@pytest.mark.parametrize("name", list(METHODS))
def test_specs_spelled_here_are_the_recipes_own(name: str) -> None:
    for field, rule in METHODS[name].declared().items():
        if not rule.changes_result or rule.choices is None:
            continue
        other = next(choice for choice in rule.choices if choice != rule.default)
        recipe = METHODS[name](**{field: other})
        assert spec_of(name, recipe.settings()) == recipe.spec()
        assert label_of(recipe.spec()) == recipe.label()


def test_spec_names_only_what_differs() -> None:
    assert spec_of("secam", {"segments": 50, "compactness": 10.0}) == "secam"
    spec = spec_of("secam", {"segments": 80, "compactness": 10.0})
    assert configure([spec], METHODS) == [METHODS["secam"](segments=80)]
