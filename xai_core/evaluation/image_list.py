"""Image list: the images of a run, a line each, only ever added to; the last line of one counts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from xai_core.evaluation.manifest import check_entry
from xai_core.files import append

FILE = "images.jsonl"
BAD = "bad"
Image = dict[str, Any]


class ImageList:
    """What is known of a run's images: `images` by sha256, and why others are `bad`, by name."""

    def __init__(self, root: Path) -> None:
        self._path = root / FILE
        self._unwritten: list[Image] = []
        self.images: dict[str, Image] = {}
        self.bad: dict[str, str] = {}
        self._has_torn_line = False
        self._read()

    def in_order(self) -> list[Image]:
        """The images as they lie in the data set, whoever computed them when."""
        return sorted(self.images.values(), key=lambda image: int(image.get("place", 0)))

    def add(self, images: Iterable[Image] = (), bad: Mapping[str, str] | None = None) -> None:
        """Add what is not known yet; `write` puts it into the file."""
        new = [image for image in images if self.images.get(image["sha256"]) != image]
        lines = [
            *new,
            *({BAD: n, "reason": r} for n, r in (bad or {}).items() if n not in self.bad),
        ]
        self._unwritten += lines
        for line in lines:
            self._know(line)

    def write(self) -> None:
        """Put what was added into the file; raises OSError."""
        if self._unwritten:
            start = "\n" if self._has_torn_line else ""
            append(self._path, start + "".join(map(_written, self._unwritten)))
            self._has_torn_line = False
            self._unwritten.clear()

    def _read(self) -> None:
        if self._path.is_file():
            content = self._path.read_bytes()
            self._has_torn_line = bool(content) and not content.endswith(b"\n")
            for line in _sound(content.split(b"\n")):
                self._know(line)

    def _know(self, line: Image) -> None:
        if BAD in line:
            self.bad[line[BAD]] = line["reason"]
        else:
            self.images[line["sha256"]] = line
            self.bad.pop(line["image"], None)


def _written(line: Image) -> str:
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"


def _sound(lines: Iterable[bytes]) -> Iterator[Image]:
    """The lines that can be read; the images of others are looked at again by the next run."""
    for text in lines:
        try:
            line = json.loads(text)
            if isinstance(line, dict) and BAD in line:
                yield {BAD: str(line[BAD]), "reason": str(line["reason"])}
            else:
                check_entry("images", line)
                int(line.get("place", 0))
                yield line
        except (ValueError, TypeError, KeyError, RecursionError):
            continue
