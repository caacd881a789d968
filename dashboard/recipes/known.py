"""Known: what methods and metrics declare, said once by a process with torch and kept in a file."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import xai_core
from recipes import children
from xai_core import DATA
from xai_core.files import write_whole

CODE = Path(xai_core.__file__).parent
KEPT = DATA.parent / ".cache" / "recipes.json"

Described = dict[str, dict[str, dict[str, Any]]]


def described(kept: Path = KEPT) -> Described:
    """What `xai_core.description` says of the code as it is; some seconds where it has changed."""
    code = code_hash()
    try:
        content = json.loads(kept.read_text(encoding="utf-8"))
        if content["code"] == code:
            return dict(content["described"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not there yet, or not ours
    told = _asked()
    _keep(kept, {"code": code, "described": told})
    return told


def code_hash(folder: Path = CODE) -> str:
    """Changes with every file of the core."""
    found = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        found.update(f"{file.relative_to(folder)}\n".encode() + file.read_bytes())
    return found.hexdigest()


def _asked() -> Described:
    done = subprocess.run(
        children.command("xai_core.description"),
        capture_output=True,
        text=True,
        env=children.environment(),
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the methods cannot be loaded: {done.stderr.strip()[-500:]}")
    return dict(json.loads(done.stdout))


def _keep(kept: Path, content: dict[str, Any]) -> None:
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_whole(kept, json.dumps(content).encode())
    except OSError:
        pass  # a folder that cannot be written: the next server asks again
