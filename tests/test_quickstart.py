"""The example notebook: every cell runs, and what its last line gives can be drawn."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

import pytest
import torch

from xai_core import DATA

NOTEBOOK = json.loads((DATA / "examples" / "quickstart.ipynb").read_text(encoding="utf-8"))


def run_cell(source: str, names: dict[str, Any]) -> Any:
    """What a notebook shows below a cell: the value of a last line that is an expression."""
    body = ast.parse(source).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "cell", "exec"), names)
    if last is None:
        return None
    assert isinstance(last, ast.Expr)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)


@pytest.mark.slow
def test_every_cell_runs_and_draws_itself() -> None:
    names: dict[str, Any] = {}
    shown = []
    for cell in NOTEBOOK["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []  # results belong to whoever runs it
            value = run_cell("".join(cell["source"]), names)
            shown.append(value._repr_html_() if hasattr(value, "_repr_html_") else value)
    explained, shape, scored, table, own, (size, label, category) = shown[1:]
    assert explained.count("<img") == 2 * (1 + 4)
    assert shape == (1, 2, 224, 224)
    assert scored.count("<td>") == 3 * 2
    assert "single_deletion" in table
    told = re.sub(r'src="[^"]*"', "", own)  # any word may stand in an encoded image
    assert told.count("owl") == 2
    assert (size, label, category) == (
        torch.Size([1, 1, 224, 224]), "SeCAM (segments 100)", "apple",
    )  # fmt: skip
