"""Packaging: what pyproject.toml declares is what the code imports and what is tested."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MODULES = {
    "opencv-python-headless": "cv2", "scikit-image": "skimage", "scikit-learn": "sklearn",
    "pillow": "PIL", "pillow-heif": "pillow_heif",
    "python-pptx": "pptx",
}  # fmt: skip
# starlette: a floor with security fixes below Streamlit; cryptography: distributed's keys
# uvloop: Streamlit takes it where it is
OTHERS = ("heic",)  # the readers of other models are found by name where they are installed
NOT_IMPORTED_HERE = {"uvloop", "cryptography"}


def declared(*extras: str) -> dict[str, Requirement]:
    lines = [*PROJECT["dependencies"]]
    for extra in extras:
        lines += PROJECT["optional-dependencies"][extra]
    return {wanted.name: wanted for wanted in map(Requirement, lines)}


def pinned() -> dict[str, Requirement]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if line and not line.startswith(("#", "-e"))]
    return {wanted.name: wanted for wanted in map(Requirement, lines)}


def imported(folder: str) -> set[str]:
    """Top-level names of the libraries of others that a folder's files import."""
    own = {"xai_core", *(path.stem for path in (ROOT / "dashboard").iterdir())}
    found = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - own - sys.stdlib_module_names


def modules_of(wanted: dict[str, Requirement]) -> set[str]:
    return {MODULES.get(name, name) for name in wanted}


def test_what_is_imported_is_declared_and_nothing_else() -> None:
    core, dashboard = declared(*OTHERS), declared("dashboard", *OTHERS)
    assert imported("xai_core") == modules_of(core) - {"cryptography"}
    assert imported("dashboard") <= modules_of(dashboard)
    used = imported("xai_core") | imported("dashboard")
    assert modules_of(dashboard) - used == modules_of(dict.fromkeys(NOT_IMPORTED_HERE))


def test_bounds_admit_the_pins_and_cover_them() -> None:
    wanted, tested = declared("dashboard"), pinned()
    assert set(wanted) == set(tested)
    for name, pin in tested.items():
        [bound] = wanted[name].specifier
        assert bound.operator == ">="
        [version] = [part.version for part in pin.specifier]
        assert wanted[name].specifier.contains(version), name


def test_the_wheel_has_what_is_shipped_and_nothing_of_ones_own() -> None:
    """What git ignores in data/runs and data/models is a user's own."""
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    kept = {line[1:].rstrip("/") for line in ignored if re.fullmatch(r"!data/runs/\w+/", line)}
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    shipped = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "SHIPPED"
    )
    assert {path for path in shipped if path.startswith("data/runs")} == kept
    archive = (ROOT / "MANIFEST.in").read_text(encoding="utf-8").split("\n")
    named = {line.split()[1] for line in archive if line.startswith(("graft", "include"))}
    assert named == set(shipped)
