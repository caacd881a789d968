"""Uploads: photos that a session brought; they are kept as files and decoded when looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from state.byte_store import MB, ByteStore
from xai_core.images.reading import RGB, Photo, open_image

_PIXELS: ByteStore[str, RGB] = ByteStore(256 * MB)
"""Of all sessions: a 12 MP photo is 4 MB as a file and 36 MB as pixels."""


class Upload(Photo):
    """A photo as its file; its pixels are decoded when they are looked at."""

    content: bytes

    def __init__(self, content: bytes, name: str) -> None:
        sha256 = hashlib.sha256(content).hexdigest()
        vars(self).update(name=name, sha256=sha256, note="", content=content)

    def read(self) -> None:
        """Decode it and take its note; raises BadImage where it is none."""
        photo = open_image(self.content, self.name)
        _PIXELS.put(photo.sha256, photo.rgb)
        vars(self).update(note=photo.note)

    @property
    def rgb(self) -> RGB:
        return _PIXELS.made(self.sha256, lambda: open_image(self.content, self.name).rgb)


def forget(sha256s: Iterable[str]) -> None:
    """Drop the pixels of these photos."""
    gone = set(sha256s)
    _PIXELS.forget(gone.__contains__)
