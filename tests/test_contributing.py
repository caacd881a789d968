"""Contributing: every method, metric and benchmark has the test that CONTRIBUTING.md asks for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from xai_core.catalog import names_in

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
