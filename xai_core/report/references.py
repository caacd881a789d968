"""References: a BibTeX entry for every method, metric, data set and library of some runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from xai_core.publications import Publication, guessed, named_in, own, publications

STATISTICS = ("wilcoxon1945", "holm1979", "efron1987", "demsar2006")
CLUSTERS = ("lapuschkin2019",)
LIBRARIES = {
    "torch": "pytorch", "torchvision": "torchvision", "captum": "captum", "numpy": "numpy",
    "scikit-image": "scikit_image", "pandas": "pandas",
}  # fmt: skip
DRAWN_WITH = ("scipy", "matplotlib")
PARTS = {"resnet": "he2016", "mobilenet": "sandler2018"}
BIB_SPECIAL = {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "$": r"\$"}


def cited_by(entry: Mapping[str, Any], year: int) -> list[Publication]:
    """What stands behind one method or metric of a manifest, as it is described there."""
    reference = str(entry.get("reference", ""))
    found = named_in(reference)
    if "this project" in reference or not reference:
        return [own(version("campare"), year), *found]
    return found or [guessed(reference, str(entry["title"]), year)]


def dataset_entry(dataset: str, year: int) -> Publication:
    """Orchard is this project's; another folder's authors are for the user to fill in."""
    if dataset.startswith("orchard"):
        return own(version("campare"), year)
    if "imagenet" in dataset.lower():
        return publications()["russakovsky2015"]
    key = "data-" + (re.sub(r"[^A-Za-z0-9]+", "-", dataset).strip("-") or "set")
    return Publication(
        key, dataset, "misc", f"{{Authors of the data set {dataset}}}", dataset, year,
        note="Fill in the authors and the year of your data set",
    )  # fmt: skip


def model_entries(name: str) -> list[Publication]:
    """Who proposed the architecture that a model is named after, where that is known."""
    return [publications()[key] for part, key in PARTS.items() if part in name]


def references_of(
    manifests: Sequence[Mapping[str, Any]], others: Sequence[str] = ()
) -> list[Publication]:
    """Every publication that the runs rest on, once, by key; `others`: more keys."""
    found = [publications()[key] for key in others]
    for manifest in manifests:
        year = year_of(manifest)
        for entry in (*manifest["methods"].values(), *manifest["metrics"].values()):
            found += cited_by(entry, year)
            if str(entry["name"]).startswith("secam") or entry["name"] in ("lime", "irof"):
                found.append(publications()["achanta2012"])
        found.append(dataset_entry(str(manifest["dataset"]), year))
        found += model_entries(str(manifest["classifier"]["name"]))
        used = (*manifest.get("versions", {}), *DRAWN_WITH)
        found += [publications()[LIBRARIES.get(n, n)] for n in used if n in LIBRARIES or
                  n in DRAWN_WITH]  # fmt: skip
    found += [publications()[key] for key in STATISTICS]
    found.append(own(version("campare"), max(map(year_of, manifests))))
    return sorted({publication.key: publication for publication in found}.values(),
                  key=lambda publication: publication.key)  # fmt: skip


def year_of(manifest: Mapping[str, Any]) -> int:
    """The year in which a run was made."""
    text = str(manifest.get("created", ""))[:4]
    return int(text) if text.isdecimal() else 2026


def bibtex(entries: Iterable[Publication]) -> str:
    """The entries as a .bib file in UTF-8."""
    return "\n".join(map(_entry, entries))


def _entry(publication: Publication) -> str:
    place = "booktitle" if publication.kind in ("inproceedings", "incollection") else "journal"
    fields = {
        "author": _escaped(publication.authors), "title": f"{{{_escaped(publication.title)}}}",
        place: _escaped(publication.venue), "volume": publication.volume,
        "number": publication.number, "pages": publication.pages,
        "publisher": publication.publisher,
        "year": str(publication.year), "eprint": publication.arxiv,
        "archiveprefix": "arXiv" if publication.arxiv else "", "doi": publication.doi,
        "url": publication.url, "note": _escaped(publication.note),
    }  # fmt: skip
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
    return f"@{publication.kind}{{{publication.key},\n" + ",\n".join(lines) + "\n}\n"


def _escaped(text: str) -> str:
    return "".join(BIB_SPECIAL.get(letter, letter) for letter in text)
