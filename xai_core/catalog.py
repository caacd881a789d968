"""Catalog: the folder is the registry of methods and of metrics."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from xai_core.recipe import Recipe
from xai_core.spec import Spec, pair

R = TypeVar("R", bound=Recipe)


def names_in(folder: Path) -> tuple[str, ...]:
    """The recipes of a folder, from its file names alone: nothing is imported.

    What starts with _ is shared by some of them, and `base.py` says what each must be.
    """
    stems = sorted(path.stem for path in folder.glob("*.py"))
    return tuple(stem for stem in stems if not stem.startswith("_") and stem != "base")


def discover(package: str, folder: Path, base: type[R]) -> dict[str, type[R]]:
    """Name -> class for every file of `folder`; each must define one recipe of its own name.

    Raises RuntimeError for a file with no recipe, with two, with another name, or with a class
    that is no dataclass of its own, whose settings would be lost.
    Import errors pass through.
    """
    found: dict[str, type[R]] = {}
    for name in names_in(folder):
        module = importlib.import_module(f"{package}.{name}")
        recipes = [
            value
            for value in vars(module).values()
            if isinstance(value, type)
            and issubclass(value, base)
            and value.__module__ == module.__name__
        ]
        if len(recipes) != 1:
            raise RuntimeError(
                f"{package}/{name}.py must define one {base.__name__}, has {len(recipes)}"
            )
        if recipes[0].name != name:
            raise RuntimeError(f"{package}/{name}.py defines a recipe named {recipes[0].name!r}")
        if "__dataclass_params__" not in vars(recipes[0]):
            raise RuntimeError(f"{package}/{name}.py: {recipes[0].__name__} lacks its @dataclass")
        found[name] = recipes[0]
    return found


def configure(
    specs: Iterable[str], known: Mapping[str, type[R]], changes: Iterable[str] = ()
) -> list[R]:
    """Recipes from specs like `secam[segments=200]`, with `name.setting=value` changes on top.

    Raises ValueError for unknown names (listing the known ones), settings and values.
    """
    wanted: list[tuple[str, dict[str, str]]] = []
    for text in specs:
        spec = Spec.parse(text)
        if spec.name not in known:
            raise ValueError(f"unknown name {text!r}; known: {', '.join(known)}")
        wanted.append((spec.name, dict(spec.settings)))
    for change in changes:
        path, value = pair(change)
        name, _, setting_name = path.partition(".")
        if name in known and name not in {w for w, _ in wanted}:
            continue  # one --set list serves methods and metrics, chosen or not
        for chosen, texts in wanted:
            if chosen == name:
                texts[setting_name] = value
    return [known[name].from_text(**texts) for name, texts in wanted]
