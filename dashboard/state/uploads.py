"""Uploads: photos that a session brought; they are kept as files and decoded when looked at."""

from __future__ import annotations

from collections.abc import Iterable

from state.byte_store import MB, ByteStore
from xai_core.images.reading import RGB, Photo, open_image

_PIXELS: ByteStore[str, RGB] = ByteStore(256 * MB)
"""Of all sessions: a 12 MP photo is 4 MB as a file and 36 MB as pixels."""


class Upload(Photo):
    """A photo as its file; raises BadImage where that is none."""

    content: bytes

    def __init__(self, content: bytes, name: str) -> None:
        photo = open_image(content, name)
        _PIXELS.put(photo.sha256, photo.rgb)
        told = {"name": photo.name, "sha256": photo.sha256, "note": photo.note}
        vars(self).update(told, content=content)

    @property
    def rgb(self) -> RGB:
        return _PIXELS.made(self.sha256, lambda: open_image(self.content, self.name).rgb)


def forget(sha256s: Iterable[str]) -> None:
    """Drop the pixels of these photos."""
    gone = set(sha256s)
    _PIXELS.forget(gone.__contains__)
