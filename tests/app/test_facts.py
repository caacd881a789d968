"""Facts that a process with torch told equal the classes themselves, and are asked for once."""

from pathlib import Path

import pytest
from recipes import known
from recipes.facts import facts, label_of, spec_of

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


def test_what_recipes_declare_is_asked_again_when_their_code_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = iter([{"methods": {"first": {}}}, {"methods": {"second": {}}}])
    monkeypatch.setattr(known, "_asked", lambda: next(told))
    (tmp_path / "code").mkdir()
    code, kept = tmp_path / "code" / "a_method.py", tmp_path / "cache" / "recipes.json"
    code.write_text("steps = 1")
    monkeypatch.setattr(known, "code_hash", lambda hashed=known.code_hash: hashed(code.parent))
    assert [list(known.described(kept)["methods"]) for _ in range(2)] == [["first"], ["first"]]
    code.write_text("steps = 2")
    assert list(known.described(kept)["methods"]) == ["second"]
    kept.write_text("no json")
    with pytest.raises(StopIteration):  # a broken file is asked for again
        known.described(kept)
