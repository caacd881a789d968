"""Publications: the papers behind methods, metrics, data sets and libraries, from one file."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("publications.toml")


@dataclass(frozen=True)
class Publication:
    """One entry of a bibliography; `short` is how a recipe's `reference` names it."""

    key: str
    short: str
    kind: str
    authors: str
    title: str
    year: int
    venue: str = ""
    volume: str = ""
    number: str = ""
    pages: str = ""
    arxiv: str = ""
    doi: str = ""
    url: str = ""
    publisher: str = ""
    note: str = ""

    @property
    def cited(self) -> str:
        """How running text names it, with its year."""
        return self.short if str(self.year) in self.short else f"{self.short}, {self.year}"


@cache
def publications() -> dict[str, Publication]:
    """Every known publication by its key."""
    content = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {key: Publication(key, **fields) for key, fields in content.items()}


def named_in(reference: str) -> list[Publication]:
    """The publications that a recipe's `reference` names, by their arXiv number or short form."""
    return [
        known
        for known in publications().values()
        if (known.arxiv and known.arxiv in reference) or known.short in reference
    ]


def own(version: str, year: int) -> Publication:
    """The entry of this project: its null baselines, controls and the data set Orchard."""
    return Publication(
        "campare", "CAMpare", "misc", "{CAMpare contributors}",
        "CAMpare: compare explanation methods for image classifiers", year,
        note=f"Software, version {version}",
    )  # fmt: skip


def guessed(reference: str, title: str, year: int) -> Publication:
    """An entry from the free text of a `reference` that names nothing known."""
    found = re.search(r"\b(19|20)\d\d\b", reference)
    who = reference.split(",")[0].strip() or title
    key = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    return Publication(
        key, reference, "misc", f"{{{who}}}", title, int(found[0]) if found else year,
        note=reference,
    )  # fmt: skip
