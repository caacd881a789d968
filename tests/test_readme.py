"""The README keeps its promises: commands, links, tables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from xai_core.__main__ import main
from xai_core.command_line import COMMANDS
from xai_core.command_line._zoo import FAMILIES, family_of, looked_at
from xai_core.command_line.list import markdown_tables
from xai_core.methods import METHODS
from xai_core.metrics import METRICS
from xai_core.models.torchvision_networks import architectures

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
    assert between == markdown_tables(METHODS, METRICS), "run: campare list --markdown README.md"


def test_the_tables_are_written_between_their_marks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "README.md"
    old = README.replace("| [`cam`]", "| [`no longer`]")
    assert old != README
    copy.write_text(old, encoding="utf-8")
    assert main(["list", "--markdown", str(copy)]) == 0
    assert copy.read_text(encoding="utf-8") == README
    copy.write_text("# no marks", encoding="utf-8")
    assert main(["list", "--markdown", str(copy)]) == 2
    assert copy.read_text(encoding="utf-8") == "# no marks"
    assert main(["list", "--markdown", str(tmp_path / "nowhere.md")]) == 2
    assert "nowhere.md: no such file" in capsys.readouterr().err


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


def zoo_of(text: str) -> dict[str, dict[str, bool]]:
    """Architecture in bold -> method -> whether the table says that it is supported."""
    header, *lines = [line for line in text.splitlines() if line.startswith("| ")]
    groups = dict(re.findall(r"^\* (`\w+` and \d+ more): (.+)$", text, re.MULTILINE))
    columns = [
        groups.get(name, name.strip("`")).split(", ")
        for name in header.strip("| ").split(" | ")[2:]
    ]
    found: dict[str, dict[str, bool]] = {}
    for line in lines:
        names, _, *cells = line.strip("| ").split(" | ")
        told = {
            method: cell == "yes"
            for methods, cell in zip(columns, cells, strict=True)
            for method in methods
        }
        found |= dict.fromkeys(re.findall(r"\*\*(\w+)\*\*", names), told)
    return found


ZOO = README.split("<!-- zoo -->")[1].split("<!-- /zoo -->")[0].strip()
LOOKED_AT = zoo_of(ZOO)
QUICK = ("mobilenet_v3_small", "shufflenet_v2_x0_5", "squeezenet1_1")


def test_the_zoo_has_every_architecture_and_every_method() -> None:
    rows = [line for line in ZOO.splitlines() if line.startswith("| ") and "**" in line]
    named = [name.strip("*") for row in rows for name in row.split(" | ")[0][2:].split(", ")]
    assert sorted(named) == sorted(architectures())
    assert all(set(told) == set(METHODS) for told in LOOKED_AT.values())
    assert {family_of(name) for name in LOOKED_AT} == {*FAMILIES}


@pytest.mark.parametrize(
    "architecture",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in LOOKED_AT],
)
def test_the_zoo_is_what_the_methods_say(architecture: str) -> None:
    reasons = looked_at(architecture)[1]
    found = {method: reason is None for method, reason in reasons.items()}
    assert found == LOOKED_AT[architecture], "run: campare list --zoo --markdown README.md"


def test_the_zoo_is_listed_for_named_architectures(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--zoo", "squeezenet1_1", "mobilenet_v3_small"]) == 0
    told = zoo_of(capsys.readouterr().out)
    assert told == {name: LOOKED_AT[name] for name in ("mobilenet_v3_small", "squeezenet1_1")}
    assert told["squeezenet1_1"]["cam"]
    assert not told["mobilenet_v3_small"]["cam"]
    assert main(["list", "--zoo", "resnet51"]) == 2
    assert "unknown architecture 'resnet51'" in capsys.readouterr().err
