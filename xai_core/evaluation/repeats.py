"""Repeats: files that hold the same as an earlier one, found without reading all of them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence

from xai_core.evaluation.dataset import Item

END_BYTES = 4096


def without_repeats(items: Sequence[Item]) -> Iterator[Item]:
    """The items in their order, the first of those with equal content only.

    Whole files are compared where sizes and last bytes are equal; one that cannot be read is kept.
    """
    sizes = [_size(item) for item in items]
    often = Counter(sizes)
    ends = [
        _end(i, s) if s is not None and often[s] > 1 else b""
        for i, s in zip(items, sizes, strict=True)
    ]
    alike = Counter(zip(sizes, ends, strict=True))
    seen = set[str]()
    for item, size, end in zip(items, sizes, ends, strict=True):
        if size is not None and alike[size, end] > 1:
            sha256 = item.sha256()
            if sha256 and sha256 in seen:
                continue
            seen.add(sha256)
        yield item


def _size(item: Item) -> int | None:
    try:
        return item.path.stat().st_size
    except OSError:
        return None


def _end(item: Item, size: int) -> bytes:
    """A digest of the last bytes, which of many files need not be held."""
    try:
        with item.path.open("rb") as file:
            file.seek(max(0, size - END_BYTES))
            return hashlib.blake2b(file.read(END_BYTES), digest_size=16).digest()
    except OSError:
        return b""
