"""Limits: what one visitor of a hosted server may have at once."""

from __future__ import annotations

from pathlib import Path

from state.byte_store import MB

AT_ONCE = 1
"""Evaluations at work on the whole server; the others wait for their turn."""
MOST_WAITING, MOST_OWN = 12, 3
MOST_MB = 2048
"""Runs and uploads of one visitor, with what was deleted within a day."""


def require_turn(own: int, waiting: int) -> None:
    """Raises ValueError where no more evaluations are taken.

    `own` are the visitor's that wait or are at work, `waiting` are everybody's that wait.
    """
    if own >= MOST_OWN:
        raise ValueError(
            f"You have {own} evaluations waiting or at work, which is the most; "
            "stop one, or begin this one when one has ended"
        )
    if waiting >= MOST_WAITING:
        raise ValueError(f"{waiting} evaluations wait for their turn, which is the most; try later")


def require_space(home: Path, more: int = 0) -> None:
    """Raises ValueError where a home would hold more bytes than a visitor may have."""
    held = sum(file.stat().st_size for file in home.rglob("*") if file.is_file()) + more
    if held > MOST_MB * MB:
        raise ValueError(
            f"Your runs and uploads would take {held / MB:,.0f} MB; at most {MOST_MB:,} MB are "
            "kept for a visitor. Delete some; what is deleted counts for a day"
        )
