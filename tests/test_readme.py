"""The README keeps its promises: commands, links, tables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from xai_core.command_line import COMMANDS
from xai_core.command_line.list import markdown_tables
from xai_core.methods import METHODS
from xai_core.metrics import METRICS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_continuous_integration_calls_the_readmes_test_command() -> None:
    command = re.search(r"^python -m venv .*pytest$", README, re.MULTILINE)
    assert command
    assert command[0] in (ROOT / ".ci" / "run").read_text().splitlines()


def test_links_and_pictures_exist() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_tables_are_those_of_the_code() -> None:
    between = README.split("<!-- tables -->")[1].split("<!-- /tables -->")[0].strip()
    assert between == markdown_tables(METHODS, METRICS)


PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("code", PYTHON)
def test_the_python_in_the_readme_runs_anywhere(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    assert list(tmp_path.iterdir()) == []


def test_commands_are_those_of_the_command_line() -> None:
    spelled = re.findall(r"`campare (\w+)", README)
    names = {command.__name__.rpartition(".")[2] for command in COMMANDS}
    assert spelled
    assert set(spelled) <= names
