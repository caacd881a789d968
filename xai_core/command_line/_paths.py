"""Paths that are told on the command line: of this machine, or a URL where one can be used."""

from __future__ import annotations

import argparse
from pathlib import Path

from xai_core.files import is_url


def here(text: str) -> Path:
    """A path of this machine; raises ArgumentTypeError for a URL, which would be taken for one."""
    if is_url(text):
        raise argparse.ArgumentTypeError(f"{text} is a URL: name a path of this machine")
    return Path(text)


def anywhere(text: str) -> Path | str:
    """A path of this machine, or a URL as it is."""
    return text if is_url(text) else Path(text)
