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
from xai_core.methods import Method
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier

ROOT = Path(__file__).resolve().parent.parent
FOR_ALL = {"test_contract.py", "test_other_libraries.py"}
"""What looks at everything that is found, or only where a library is installed: no oracle."""
FOLDERS = {
    "methods": ROOT / "xai_core" / "methods",
    "metrics": ROOT / "xai_core" / "metrics",
    "orchard": ROOT / "xai_core" / "orchard" / "benchmarks",
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
    assert without == [], f"write tests/{kind}/test_<name>.py, or a row in its family's file"


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
    """As a file of a folder of methods, found there by its name."""
    method, oracle = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    package = tmp_path / "methods_of_the_guide"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "brightness.py").write_text(method, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    found = discover(package.name, package, Method)
    names: dict[str, Any] = {"METHODS": found, "torch": torch}
    exec(compile(oracle, "CONTRIBUTING.md", "exec"), names)
    names["test_brightness_is_the_mean_of_the_colours"](tiny_classifier, tiny_batch)
