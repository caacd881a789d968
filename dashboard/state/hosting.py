"""Hosting: who visits a server that others reach, and which files they may name.

`CAMPARE_HOSTED` is the header in which the proxy names who has logged in, such as
X-Forwarded-User, or `session`: every browser tab is then a visitor of its own. Without it the
server is somebody's own. `CAMPARE_DATA` is the list of folders that may be read.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from state.named_models import NamedModel, embedded
from xai_core.files import is_there
from xai_core.places import data_roots

HOSTED = "CAMPARE_HOSTED"
BY_SESSION = "session"
NO_NAME = (
    "The proxy in front of this server did not say who you are: it must set the header that "
    f"{HOSTED} names."
)
PLAIN = re.compile(r"(timm:)?[A-Za-z0-9_]+([:.][A-Za-z0-9_]+)?")
"""A model's name that is no path."""


def is_hosted() -> bool:
    """Whether others than the owner of this computer reach this server."""
    return bool(os.environ.get(HOSTED))


def visitor() -> str:
    """The folder name of who looks at this page; empty where nobody is known, or none is told."""
    told = os.environ.get(HOSTED, "")
    context = get_script_run_ctx()
    if not told or context is None:
        return ""
    name = context.session_id if told == BY_SESSION else st.context.headers.get(told, "")
    if not name:
        return ""
    kind = BY_SESSION if told == BY_SESSION else "user"
    return f"{kind}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def roots() -> tuple[Path, ...] | None:
    """The folders that pages may read; None: all. Hosted, only what is declared."""
    declared = data_roots()
    return () if declared is None and is_hosted() else declared


def example_folder() -> str:
    """What the box for a folder shows while it is empty."""
    return str(next(iter(roots() or ()), "/home/me/images"))


def folder_named(text: str) -> Path:
    """The folder or file that was typed; raises ValueError, one sentence, where it may not be."""
    if "\0" in text:
        raise ValueError(f"{text.split(chr(0))[0]!r}: a name cannot hold the character 0")
    try:
        path = Path(text).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise ValueError(f"{text[:80]}: cannot be read ({error})") from None
    allowed = roots()
    if allowed is not None and not any(path.is_relative_to(root) for root in allowed):
        told = ", ".join(map(str, allowed)) or f"none; CAMPARE_DATA and {HOSTED} say which"
        raise ValueError(f"{text[:80]}: not in the folders that this server shows ({told})")
    return path


def model_problem(model: NamedModel) -> str:
    """Why a model may not be loaded here, in one sentence; empty where it may.

    Where folders are declared, its files lie in them, and none of them is code.
    """
    is_bare = not model.architecture and not model.categories
    if roots() is None or (is_bare and model.name in embedded()):
        return ""
    if is_bare and PLAIN.fullmatch(model.name) and not is_there(model.name):
        return ""
    if model.architecture and not PLAIN.fullmatch(model.architecture):
        return f"{model.architecture[:80]}: no architecture by that name"
    parts = [part for part in (model.name, model.categories) if part]
    for part in parts:
        file = part.removeprefix("hf:")
        if ".py" in file.lower():
            return f"{file[:80]}: a model's code is not run for visitors; weights are read"
        try:
            folder_named(file)
        except ValueError as error:
            return str(error)
    return ""
