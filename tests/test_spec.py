"""The one grammar of `name[a=b]`: what it spells, it reads; what it does not know, it names."""

from __future__ import annotations

import pytest

from xai_core.catalog import configure
from xai_core.methods import METHODS
from xai_core.spec import Spec

KNOWN = {name: method.declared() for name, method in METHODS.items()}


@pytest.mark.parametrize("name", list(METHODS))
def test_every_setting_spelled_is_read_back(name: str) -> None:
    method = METHODS[name]()
    spelled = {key: str(value) for key, value in method.settings().items() if value != ""}
    spec = Spec(name, spelled)
    assert Spec.parse(str(spec)) == spec
    assert spec.problem(KNOWN) is None
    assert configure([str(spec)], METHODS) == [method]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("secam[x=1]", "secam has no setting x; it has: segments, compactness"),
        ("lime[samples=x]", "lime: samples must be a whole number from 10 to 20000"),
        ("rise[masks=-1]", "rise has no setting masks; it has:"),
        ("rise[samples=-1]", "rise: samples must be "),
        ("secam[cls=1]", "secam has no setting cls; it has: segments, compactness"),
        ("nobody[x=1]", "there is no nobody"),
    ],
)
def test_what_is_not_known_is_named(text: str, problem: str) -> None:
    found = Spec.parse(text).problem(KNOWN)
    assert found is not None
    assert found.startswith(problem)
    with pytest.raises(ValueError, match=r"."):
        configure([text], METHODS)


@pytest.mark.parametrize("text", ["secam[", "secam]", "[x=1]", "", "a[b=1]c", "a[[b=1]]", "a[b]"])
def test_what_is_not_of_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is (not )?spelled"):
        Spec.parse(text)
