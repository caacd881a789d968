"""Modules and files as people bring them, where the folder with them is beside the project."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def shared_cases() -> Path | None:
    """`shared/cases` beside the project or above it."""
    found = [folder / "shared" / "cases" for folder in ROOT.parents]
    return next((folder for folder in found if folder.is_dir()), None)


def shared_module(name: str) -> ModuleType:
    """A module of `shared/cases`; skips the test where that folder is absent."""
    folder = shared_cases()
    if folder is None:
        pytest.skip("../shared/cases is not here")
    spec = importlib.util.spec_from_file_location(f"shared_{name}", folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
