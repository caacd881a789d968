"""Recipes check their settings, keep a stable key and can be spelled as text."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from xai_core.catalog import configure
from xai_core.recipe import Recipe, Setting, setting


@dataclass(frozen=True)
class Sample(Recipe):
    name: ClassVar[str] = "sample"
    title: ClassVar[str] = "Sample"
    reference: ClassVar[str] = "nobody"

    steps: int = setting(50, "points on the path", low=1, high=300)
    width: float = setting(0.25, "of the kernel", low=0.0)
    mode: str = setting("mean", "what is taken", choices=("mean", "max"))
    note: str = setting("", "any text")
    flip: bool = setting(True, "mirror it")
    batch_size: int = setting(8, "at a time", low=1, changes_result=False)


@dataclass(frozen=True)
class Revised(Sample):
    revision: ClassVar[int] = 2


@dataclass(frozen=True)
class Other(Sample):
    name: ClassVar[str] = "other"


REJECTED = [
    ({"steps": 0}, "Sample.steps must be at least 1, got 0"),
    ({"steps": 301}, "Sample.steps must be at most 300, got 301"),
    ({"steps": 1.5}, "Sample.steps must be a whole number from 1 to 300, got 1.5"),
    ({"steps": True}, "Sample.steps must be a whole number from 1 to 300, got True"),
    ({"steps": "5"}, "Sample.steps must be a whole number from 1 to 300, got '5'"),
    ({"width": -0.1}, "Sample.width must be at least 0, got -0.1"),
    ({"width": math.nan}, "Sample.width must be at least 0, got nan"),
    ({"width": False}, "Sample.width must be at least 0, got False"),
    ({"mode": "median"}, "Sample.mode must be one of mean, max, got 'median'"),
    ({"note": 3}, "Sample.note must be text, got 3"),
    ({"flip": 1}, "Sample.flip must be true or false, got 1"),
    ({"batch_size": 0}, "Sample.batch_size must be at least 1, got 0"),
]


@pytest.mark.parametrize(("values", "message"), REJECTED)
def test_a_broken_rule_is_named_with_the_setting_and_the_value(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Sample(**values)


@pytest.mark.parametrize("values", [{"steps": 1}, {"steps": 300}, {"width": 0.0}, {"mode": "max"}])
def test_bounds_and_choices_themselves_are_accepted(values: dict[str, Any]) -> None:
    assert [getattr(Sample(**values), name) for name in values] == list(values.values())


def test_a_whole_number_is_taken_as_a_float_where_a_float_is_wanted() -> None:
    assert type(Sample(width=1).width) is float
    assert Sample(width=1) == Sample(width=1.0)
    assert Sample(width=1).key() == Sample(width=1.0).key()


def test_a_recipe_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Sample().steps = 3  # type: ignore[misc]


def test_what_does_not_change_the_result_is_outside_of_key_equality_hash_and_settings() -> None:
    small, large = Sample(batch_size=1), Sample(batch_size=64)
    assert small == large
    assert hash(small) == hash(large)
    assert small.key() == large.key()
    assert "batch_size" not in small.settings()
    assert small.spec() == "sample"


@pytest.mark.parametrize(
    "changed",
    [
        Sample(steps=51), Sample(width=0.5), Sample(mode="max"), Sample(note="n"),
        Sample(flip=False), Revised(), Other(),
    ],
)  # fmt: skip
def test_every_change_of_the_result_changes_the_key(changed: Recipe) -> None:
    assert changed.key() != Sample().key()
    assert changed != Sample()


def test_the_key_is_the_documented_digest() -> None:
    text = (
        '{"name":"sample","revision":1,"settings":'
        '{"flip":true,"mode":"mean","note":"","steps":50,"width":0.25}}'
    )
    assert Sample().key() == hashlib.sha256(text.encode()).hexdigest()[:12]


def test_the_key_is_equal_in_another_process_with_another_hash_seed() -> None:
    code = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("again", {__file__!r})
again = importlib.util.module_from_spec(spec)
sys.modules["again"] = again
spec.loader.exec_module(again)
print(again.Sample(width=1, mode="max").key())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONHASHSEED": "123"},
    )  # fmt: skip
    assert done.stdout.strip() == Sample(mode="max", width=1.0).key()


SPELLED = [
    (Sample(), "sample", "Sample"),
    (Sample(steps=200), "sample[steps=200]", "Sample (steps 200)"),
    (
        Sample(width=1e-5, flip=False, mode="max"),
        "sample[width=1e-05,mode=max,flip=false]",
        "Sample (width 1e-05, mode max, flip off)",
    ),
    (Sample(width=0.1 + 0.2), "sample[width=0.30000000000000004]", None),
]


@pytest.mark.parametrize(("recipe", "spec", "label"), SPELLED)
def test_a_spec_spells_the_recipe_and_reads_back_equal(
    recipe: Sample, spec: str, label: str | None
) -> None:
    assert recipe.spec() == spec
    assert label is None or recipe.label() == label
    (again,) = configure([spec], {"sample": Sample})
    assert again == recipe
    assert again.key() == recipe.key()


def test_text_is_parsed_by_the_kind_of_each_setting() -> None:
    made = Sample.from_text(steps="7", width="2", flip="False", mode="max", note="a b")
    assert made == Sample(steps=7, width=2.0, flip=False, mode="max", note="a b")
    assert type(made.steps) is int
    assert type(made.width) is float
    assert made.flip is False


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"steps": "1.5"}, "Sample.steps must be a whole number from 1 to 300, got '1.5'"),
        ({"steps": "many"}, "Sample.steps must be a whole number from 1 to 300, got 'many'"),
        ({"steps": "0"}, "Sample.steps must be at least 1, got 0"),
        ({"width": "nan"}, "Sample.width must be at least 0, got nan"),
        ({"flip": "yes"}, "Sample.flip must be true or false, got 'yes'"),
        ({"mode": "min"}, "Sample.mode must be one of mean, max, got 'min'"),
        (
            {"stepz": "3"},
            "sample has no setting 'stepz'; it has: steps, width, mode, note, flip, batch_size",
        ),
    ],
)
def test_text_that_breaks_a_rule_is_refused(texts: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Sample.from_text(**texts)


def test_a_setting_added_later_keeps_the_key_of_older_results() -> None:
    @dataclass(frozen=True)
    class Grown(Recipe):
        name: ClassVar[str] = "grown"
        steps: int = setting(5, "points on the path", low=1)

    @dataclass(frozen=True)
    class GrownFurther(Grown):
        name = Grown.name
        sharp: bool = setting(False, "whether edges stay sharp", added_later=True)

    assert GrownFurther().key() == Grown().key()
    assert GrownFurther(steps=6).key() == Grown(steps=6).key()
    assert GrownFurther(sharp=True).key() != Grown().key()
    assert GrownFurther(sharp=True) != GrownFurther()


def test_declarations_feed_forms_in_order() -> None:
    declared = Sample.declared()
    assert list(declared) == ["steps", "width", "mode", "note", "flip", "batch_size"]
    assert declared["steps"] == Setting(50, "points on the path", 1, 300)
    assert [declared[name].rule() for name in declared] == [
        "be a whole number from 1 to 300",
        "be at least 0",
        "be one of mean, max",
        "be text",
        "be true or false",
        "be at least 1",
    ]
    assert Setting(1.0, "h").rule() == "be a number"
    assert Setting(1.0, "h", high=2).rule() == "be at most 2"
