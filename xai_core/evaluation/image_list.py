"""Image list: the images of a run, a line each, only ever added to; the last line of one counts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from xai_core.evaluation.manifest import check_entry
from xai_core.files import append

FILE = "images.jsonl"
BAD = "bad"
Image = dict[str, Any]


class ImageList:
    """Which images of a run are known, by sha256, and why others are `bad`, by name.

    What is known of an image stays in the file, and is read there when the list is iterated over:
    each image once, in the order in which they were added.
    """

    def __init__(self, root: Path) -> None:
        self._path = root / FILE
        self._unwritten: list[str] = []
        self._known: dict[str, int] = {}
        """What tells the newest line of an image from others of it, by the image's sha256."""
        self.bad: dict[str, str] = {}
        self._has_torn_line = False
        for image in self._written():
            self._know(image, _line(image))

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._known

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[Image]:
        left = dict(self._known)
        for image in chain(self._written(), map(json.loads, self._unwritten)):
            if BAD not in image and left.get(image["sha256"]) == hash(_line(image)):
                del left[image["sha256"]]
                yield image

    def in_order(self) -> list[Image]:
        """The images as they lie in the data set, whoever computed them when."""
        return sorted(self, key=lambda image: int(image.get("place", 0)))

    def add(self, images: Iterable[Image] = (), bad: Mapping[str, str] | None = None) -> None:
        """Add what is not known yet; `write` puts it into the file."""
        reasons = ({BAD: name, "reason": reason} for name, reason in (bad or {}).items())
        for image in chain(images, (one for one in reasons if one[BAD] not in self.bad)):
            line = _line(image)
            if BAD in image or self._known.get(image["sha256"]) != hash(line):
                self._unwritten.append(line)
                self._know(image, line)

    def write(self) -> None:
        """Put what was added into the file; raises OSError."""
        if self._unwritten:
            start = "\n" if self._has_torn_line else ""
            append(self._path, start + "".join(self._unwritten))
            self._has_torn_line = False
            self._unwritten.clear()

    def _written(self) -> Iterator[Image]:
        if self._path.is_file():
            with self._path.open("rb") as file:
                for text in file:
                    self._has_torn_line = not text.endswith(b"\n")
                    yield from _sound(text)

    def _know(self, image: Image, line: str) -> None:
        if BAD in image:
            self.bad[image[BAD]] = image["reason"]
        else:
            self._known[image["sha256"]] = hash(line)
            self.bad.pop(image["image"], None)


def _line(image: Image) -> str:
    return json.dumps(image, ensure_ascii=False, separators=(",", ":")) + "\n"


def _sound(text: bytes) -> Iterator[Image]:
    """What a line tells, if it can be read; the next run looks again at the image of another."""
    try:
        line = json.loads(text)
        if isinstance(line, dict) and BAD in line:
            yield {BAD: str(line[BAD]), "reason": str(line["reason"])}
        else:
            check_entry("images", line)
            int(line.get("place", 0))
            yield line
    except (ValueError, TypeError, KeyError, RecursionError):
        return
