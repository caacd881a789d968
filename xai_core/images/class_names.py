"""Class names: how people spell them, and names that stand twice."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence


def plain_name(name: str) -> str:
    """A class name without case, accents' spelling and separators: folders cannot hold a slash."""
    text = unicodedata.normalize("NFKC", name).casefold()
    return " ".join("".join(" " if letter in "_-/\\:" else letter for letter in text).split())


def numbered(categories: Sequence[str]) -> tuple[str, ...]:
    """The names, those that stand several times with (1), (2), ... behind them."""
    counts = Counter(map(plain_name, categories))
    seen: Counter[str] = Counter()
    names = []
    for name in categories:
        plain = plain_name(name)
        seen[plain] += 1
        names.append(f"{name} ({seen[plain]})" if counts[plain] > 1 else name)
    return tuple(names)


class ClassNames:
    """Finds classes by name, without regard to case and separators."""

    def __init__(self, categories: Sequence[str]) -> None:
        self.categories = tuple(categories)
        self._indices: dict[str, list[int]] = defaultdict(list)
        for index, name in enumerate(categories):
            self._indices[plain_name(name)].append(index)
        self._numbered = {plain_name(n): i for i, n in enumerate(numbered(categories))}

    def all_of(self, name: str) -> list[int]:
        """The indices of every class of this name; one for a numbered name."""
        plain = plain_name(name)
        if plain in self._indices:
            return self._indices[plain]
        return [self._numbered[plain]] if plain in self._numbered else []

    def index(self, name: str) -> int | None:
        """The class of this name; None where there is none, or more than one."""
        found = self.all_of(name)
        return found[0] if len(found) == 1 else None

    def chosen(self, text: str) -> int:
        """The class that somebody asks for by name or number; raises ValueError."""
        names = self.categories
        exact = [index for index, name in enumerate(names) if name == text]
        found = exact if len(exact) == 1 else self.all_of(text)
        if len(found) == 1:
            return found[0]
        if found:
            spelt = numbered(names)
            told = " or ".join(f"{spelt[index]!r} (number {index})" for index in found)
            raise ValueError(f"{text}: this name stands for {len(found)} classes; name {told}")
        if text.isdecimal() and text.isascii() and int(text) < len(names):
            return int(text)
        raise ValueError(f"{text}: no such class; name one, or a number from 0 to {len(names) - 1}")
