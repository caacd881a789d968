"""Contributing: every method, metric and benchmark has the test that CONTRIBUTING.md asks for."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from xai_core.catalog import discover, names_in
from xai_core.ground_truth.benchmarks import BENCHMARKS
from xai_core.methods import METHODS, Method
from xai_core.metrics import METRICS
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.publications import named_in

ROOT = Path(__file__).resolve().parent.parent
FOR_ALL = {"test_contract.py", "test_other_libraries.py"}
"""What looks at everything that is found, or only where a library is installed: no oracle."""
FOLDERS = {
    "methods": ROOT / "xai_core" / "methods",
    "metrics": ROOT / "xai_core" / "metrics",
    "ground_truth": ROOT / "xai_core" / "ground_truth" / "benchmarks",
}


def words_in(path: Path) -> Iterator[str]:
    """Every word that a test file spells in a string, a name or an imported module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"\w+", node.value)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.rpartition(".")[2]


@pytest.mark.parametrize("kind", FOLDERS)
def test_each_one_is_named_in_a_test_of_its_own_or_of_its_family(kind: str) -> None:
    files = [path for path in (ROOT / "tests" / kind).glob("test_*.py") if path.name not in FOR_ALL]
    named = {word for path in files for word in words_in(path)}
    named |= {path.stem.removeprefix("test_") for path in files}
    without = [name for name in names_in(FOLDERS[kind]) if name not in named]
    assert names_in(FOLDERS[kind])
    assert without == [], f"write tests/{kind}/test_<name>.py, or a row in its family's file"


def test_every_reference_is_a_publication_that_reports_can_cite() -> None:
    recipes = [*METHODS.values(), *METRICS.values(), *BENCHMARKS.values()]
    unknown = [
        f"{recipe.name}: {recipe.reference}"
        for recipe in recipes
        if "this project" not in recipe.reference and not named_in(recipe.reference)
    ]
    assert unknown == [], "add these papers to xai_core/publications.toml"


GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_files_that_the_guide_names_are_there() -> None:
    named = set(re.findall(r"`((?:xai_core|dashboard|tests|data|\.ci)/[\w./]*)`", GUIDE))
    of_the_example = {"tests/methods/test_brightness.py"}
    assert len(named) > 10
    assert [name for name in named - of_the_example if not (ROOT / name).exists()] == []


def test_the_guides_method_passes_the_guides_test(
    tiny_classifier: Classifier,
    tiny_batch: Callable[[Classifier], Batch],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a file of a folder of methods, found there by its name; a wrong one does not pass."""
    method, oracle = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    monkeypatch.syspath_prepend(tmp_path)

    def check(package: str, content: str) -> None:
        folder = tmp_path / package
        folder.mkdir()
        (folder / "__init__.py").touch()
        (folder / "brightness.py").write_text(content, encoding="utf-8")
        names: dict[str, Any] = {"METHODS": discover(package, folder, Method), "torch": torch}
        exec(compile(oracle, "CONTRIBUTING.md", "exec"), names)
        names["test_brightness_is_the_mean_of_the_colours"](tiny_classifier, tiny_batch)

    check("methods_of_the_guide", method)
    wrong = method.replace("mean(dim=1)", "amax(dim=1)")
    assert wrong != method
    with pytest.raises(AssertionError, match="not close"):
        check("wrong_methods_of_the_guide", wrong)
