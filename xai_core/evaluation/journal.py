"""The journal: a line for what was finished together, with the checksums of its files."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xai_core.evaluation.run_folder import RunFolderError, explained

JOURNAL = "parts.jsonl"
Done = tuple[tuple[str, str, tuple[str, ...]], ...]
"""What is finished, as (unit, method key, metric keys)."""
_IS_PART = re.compile(r"(scores|curves|maps)/[^/\\\0]+").fullmatch


@dataclass(frozen=True)
class Piece:
    """What was finished together: what it holds, and its files.

    `files` are sha256 by name, `sizes` bytes by name (journals of former versions have none).
    """

    done: Done
    files: dict[str, str]
    kind: str = "scores"
    sizes: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, line: bytes) -> Piece:
        """The piece of one line; raises ValueError, KeyError or TypeError where it is none."""
        raw = json.loads(line)
        done = tuple(
            (unit, method, tuple(metrics))
            for method, metrics, units in _grouped(raw)
            for unit in units
        )
        files = {name: sha256 for name, sha256 in raw["files"].items() if _IS_PART(name)}
        texts = [*files.values(), *(text for u, m, keys in done for text in (u, m, *keys))]
        if len(files) < len(raw["files"]) or not all(isinstance(text, str) for text in texts):
            raise ValueError("not a piece of this folder")
        sizes = {name: int(size) for name, size in raw.get("sizes", {}).items()}
        return cls(done, files, str(raw["kind"]), sizes)

    def line(self) -> str:
        groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for unit, method, metrics in self.done:
            groups.setdefault((method, metrics), []).append(unit)
        content = {
            "kind": self.kind,
            "units": [[*group, units] for group, units in groups.items()],
            "files": self.files,
            "sizes": self.sizes,
        }
        return json.dumps(content, separators=(",", ":")) + "\n"

    def problems(self, root: Path, *, thorough: bool = False) -> list[str]:
        """What is wrong with its files: by size, or `thorough` by checksum too."""
        found = (
            (name, problem_of(root / name, sha256, None if thorough else self.sizes.get(name)))
            for name, sha256 in self.files.items()
        )
        return [f"{name}: {problem}" for name, problem in found if problem]


def find_problems(run_dir: str | Path) -> list[str]:
    """One sentence for each damaged or missing file of a run."""
    root = Path(run_dir)
    newest = {name: sha for piece in read_journal(root) for name, sha in piece.files.items()}
    found = ((name, problem_of(root / name, sha256)) for name, sha256 in newest.items())
    return [f"{name}: {problem}" for name, problem in found if problem]


def read_journal(root: Path) -> list[Piece]:
    """The finished pieces, oldest first; a line that is damaged or was left half is ignored."""
    return [piece for _, piece in pieces_of(journal_lines(root))]


def journal_lines(root: Path) -> list[bytes]:
    try:
        return (root / JOURNAL).read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunFolderError(explained(root, error)) from None


def pieces_of(lines: Iterable[bytes]) -> Iterator[tuple[bytes, Piece]]:
    for line in lines:
        try:
            yield line, Piece.read(line)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue


def _grouped(raw: Mapping[str, Any]) -> list[tuple[str, list[str], list[str]]]:
    """(method, metrics, units), also of a line in the former form: (unit, method, metrics)."""
    if "done" in raw:
        return [(method, metrics, [unit]) for unit, method, metrics in raw["done"]]
    return [(method, metrics, units) for method, metrics, units in raw["units"]]


def problem_of(path: Path, checksum: str, size: int | None = None) -> str | None:
    """Why a file cannot be used: by its size where that is given, else by its checksum."""
    again = "its results are computed again"
    try:
        if size is not None:
            return None if path.stat().st_size == size else f"damaged, {again}"
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return f"missing, {again}"
    except OSError as error:
        return f"cannot be read ({error.strerror}), {again}"
    return None if found == checksum else f"damaged, {again}"
