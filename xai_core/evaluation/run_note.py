"""Run note: what people write down about a run; a text file in its folder."""

from __future__ import annotations

from pathlib import Path

from xai_core.files import write_whole

FILE, MOST_LETTERS = "note.txt", 1000


def load_note(run_dir: Path) -> str:
    """The note of a run; "" where nobody wrote one or it cannot be read."""
    try:
        text = (run_dir / FILE).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return " ".join(text.split())[:MOST_LETTERS]


def save_note(run_dir: Path, text: str) -> None:
    """Keeps a note, in one line; an empty one takes it away.

    Raises ValueError for a text that is too long, OSError where nothing can be written.
    """
    note = " ".join(text.split())
    if len(note) > MOST_LETTERS:
        raise ValueError(f"a note has at most {MOST_LETTERS:,} letters; this one has {len(note):,}")
    if note:
        write_whole(run_dir / FILE, f"{note}\n".encode())
    else:
        (run_dir / FILE).unlink(missing_ok=True)
