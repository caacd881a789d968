"""The folder is the registry: what discover() accepts, refuses and lets through."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from xai_core.catalog import configure, discover, names_in
from xai_core.recipe import Recipe, setting

RECIPE = """
from dataclasses import dataclass
from typing import ClassVar
from xai_core.recipe import Recipe

@dataclass(frozen=True)
class {class_name}(Recipe):
    name: ClassVar[str] = "{name}"
    title: ClassVar[str] = "T"
    reference: ClassVar[str] = "R"
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes a package `some_catalog` of the given files and returns its folder."""
    folder = tmp_path / "some_catalog"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))

    def files(**contents: str) -> Path:
        for name, content in contents.items():
            (folder / f"{name}.py").write_text(content)
        return folder

    yield files
    for name in [m for m in sys.modules if m.partition(".")[0] == "some_catalog"]:
        del sys.modules[name]


def found_in(folder: Path) -> dict[str, type[Recipe]]:
    return discover("some_catalog", folder, Recipe)


def test_the_name_is_the_files_where_the_class_says_none(write: Write) -> None:
    silent = RECIPE.replace('    name: ClassVar[str] = "{name}"\n', "")
    folder = write(zebra=silent.format(class_name="Zebra"))
    assert found_in(folder)["zebra"].name == "zebra"


def test_a_class_without_its_decorator_is_refused(write: Write) -> None:
    bare = RECIPE.replace("@dataclass(frozen=True)\n", "")
    folder = write(zebra=bare.format(class_name="Zebra", name="zebra"))
    with pytest.raises(RuntimeError, match=r"zebra\.py: Zebra lacks its @dataclass"):
        found_in(folder)


def test_every_file_gives_one_recipe_in_order_of_the_names(write: Write) -> None:
    folder = write(
        zebra=RECIPE.format(class_name="Zebra", name="zebra"),
        apple=RECIPE.format(class_name="Apple", name="apple"),
        _shared="broken = 1 / 1",
    )
    found = found_in(folder)
    assert list(found) == ["apple", "zebra"]
    assert found["zebra"].__name__ == "Zebra"


def test_names_come_from_the_files_without_importing_them(write: Write) -> None:
    folder = write(one="raise RuntimeError('imported')", _hidden="")
    assert names_in(folder) == ("one",)
    assert "some_catalog.one" not in sys.modules


def test_an_imported_recipe_is_not_counted_as_defined(write: Write) -> None:
    folder = write(
        one=RECIPE.format(class_name="One", name="one"),
        two="from some_catalog.one import One\n" + RECIPE.format(class_name="Two", name="two"),
    )
    assert list(found_in(folder)) == ["one", "two"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("value = 1", "one.py must define one Recipe, has 0"),
        (
            RECIPE.format(class_name="A", name="one") + RECIPE.format(class_name="B", name="one"),
            "one.py must define one Recipe, has 2",
        ),
        (RECIPE.format(class_name="One", name="uno"), "one.py defines a recipe named 'uno'"),
    ],
)
def test_a_file_that_breaks_the_rule_is_named(write: Write, content: str, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        found_in(write(one=content))


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("import a_package_that_does_not_exist", ModuleNotFoundError),
        ("def broken(:", SyntaxError),
        ("1 / 0", ZeroDivisionError),
    ],
)
def test_errors_of_an_import_pass_through(
    write: Write, content: str, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        found_in(write(one=content))


@dataclass(frozen=True)
class Alpha(Recipe):
    name: ClassVar[str] = "alpha"
    title: ClassVar[str] = "Alpha"
    reference: ClassVar[str] = "R"
    count: int = setting(3, "how many", low=1)
    stage: str = setting("", "where")


@dataclass(frozen=True)
class Beta(Alpha):
    name: ClassVar[str] = "beta"


KNOWN: dict[str, type[Alpha]] = {"alpha": Alpha, "beta": Beta}


def test_specs_and_changes_are_joined_the_change_wins() -> None:
    chosen = configure(["alpha[count=5]", " beta "], KNOWN, ["alpha.count=7", "beta.stage=f.1"])
    assert chosen == [Alpha(count=7), Beta(stage="f.1")]


def test_one_recipe_may_be_chosen_twice_with_other_settings() -> None:
    assert configure(["alpha", "alpha[count=9]"], KNOWN) == [Alpha(), Alpha(count=9)]


def test_a_change_for_something_known_but_not_chosen_is_left_alone() -> None:
    assert configure(["alpha"], KNOWN, ["beta.count=2"]) == [Alpha()]


@pytest.mark.parametrize(
    ("specs", "changes", "message"),
    [
        (["gamma"], [], "unknown name 'gamma'; known: alpha, beta"),
        (["alpha[count=5"], [], "'alpha[count=5' is not spelled name or name[setting=value,...]"),
        ([""], [], "'' is not spelled name or name[setting=value,...]"),
        (["alpha[count=5,count=6]"], [], "'alpha[count=5,count=6]' gives count two values"),
        (["alpha[cls=2]"], [], "alpha has no setting 'cls'; it has: count, stage"),
        (["alpha[count=x]"], [], "Alpha.count must be at least 1, got 'x'"),
        (["alpha[count]"], [], "a setting is spelled name=value, got 'count'"),
        (["alpha[size=2]"], [], "alpha has no setting 'size'; it has: count, stage"),
        (["alpha"], ["alpha.size=2"], "alpha has no setting 'size'; it has: count, stage"),
        (["alpha"], ["alpha.count=0"], "Alpha.count must be at least 1, got 0"),
        (["alpha"], ["alpha.count"], "a setting is spelled name=value, got 'alpha.count'"),
    ],
)
def test_what_cannot_be_configured_is_said(
    specs: list[str], changes: list[str], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        configure(specs, KNOWN, changes)
