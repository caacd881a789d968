"""Asked on Guide: the recipe that is explained."""

from __future__ import annotations

from collections.abc import Mapping

from recipes import facts
from state import choices


def ask_topic(label: str, known: Mapping[str, facts.Facts], name: str) -> str:
    """The recipe that the guide explains."""
    return choices.ask_one(name, label, {key: str(fact.title) for key, fact in known.items()})
