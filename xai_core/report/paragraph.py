"""Paragraph: what was done, in plain prose made from the settings, with citations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from xai_core.publications import Publication, publications
from xai_core.recipe import in_words
from xai_core.report import latex
from xai_core.report.material import Material
from xai_core.report.references import (
    CLUSTERS,
    LIBRARIES,
    STATISTICS,
    cited_by,
    dataset_entry,
    model_entries,
    year_of,
)
from xai_core.titles import joined

Cite = Callable[[Sequence[Publication]], str]
FEW_DIGITS = 8
"""Of a checksum; manifest.json has all."""
KINDS = ("faithfulness", "localisation", "stability", "ground truth", "descriptive", "check")


def as_text(materials: Sequence[Material]) -> str:
    """The paragraph for any word processor, citations by their short form."""

    def cite(found: Sequence[Publication]) -> str:
        return f" ({'; '.join(p.cited for p in found)})" if found else ""

    return "\n\n".join(" ".join(_sentences(m, cite, str)) for m in materials) + "\n"


def as_latex(materials: Sequence[Material]) -> str:
    """The same paragraph with \\cite."""

    def cite(found: Sequence[Publication]) -> str:
        return f"~\\cite{{{','.join(p.key for p in found)}}}" if found else ""

    return "\n\n".join(" ".join(_sentences(m, cite, latex.escaped)) for m in materials) + "\n"


def _sentences(material: Material, cite: Cite, safe: Callable[[str], str]) -> list[str]:
    manifest = material.manifest
    year, classifier = year_of(manifest), manifest["classifier"]
    form = classifier["form"]
    side = f"{form['size']} x {form.get('width') or form['size']} pixels"
    fit = "resized whole" if manifest["framing"] == "whole" else "cropped in the centre"
    said = [
        safe(material.unfinished) if material.unfinished else "",
        f"We explained the predictions of the model {safe(str(classifier['name']))}"
        f"{cite(model_entries(str(classifier['name'])))} "
        f"(weights {str(classifier['fingerprint'])[:FEW_DIGITS]}, "
        f"{len(classifier['categories'])} classes, input {side}, images {fit}, "
        f"{manifest['precision']}) on {material.images} images of {safe(str(manifest['dataset']))}"
        f"{cite([dataset_entry(str(manifest['dataset']), year)])}. {material.right_says}".strip(),
        "Attribution maps of the predicted class came from "
        f"{_listed(material, 'methods', cite, safe)}.",
    ]
    for kind in KINDS:
        if listed := _listed(material, "metrics", cite, safe, kind):
            said.append(f"{kind.capitalize()} was scored by {listed}." if kind in KINDS[:4] else
                        f"As {kind} metrics we report {listed}.")  # fmt: skip
    said.append(_statistics(len(material.methods), cite).replace("\u00a0%", safe("\u00a0%")))
    if found := material.alike:
        cited = cite([publications()[key] for key in CLUSTERS])
        said.append(
            f"Images were grouped by spectral clustering{cited} of their maps by "
            f"{safe(material.title(found.method))} into {found.found.count} clusters (seed 0)."
        )
    return [*[s for s in said if s], _software(manifest, cite, safe)]


def _listed(
    material: Material, part: str, cite: Cite, safe: Callable[[str], str], kind: str = ""
) -> str:
    entries = [e for e in material.entries(part) if not kind or e.get("kind") == kind]
    year = year_of(material.manifest)
    named = [
        f"{safe(str(e['title']))}{cite(cited_by(e, year))}{safe(_settings(e))}"
        f"{_on_fewer(material, str(e['spec'])) if kind else ''}"
        for e in entries
    ]
    return joined(named) if named else ""


def _statistics(methods: int, cite: Cite) -> str:
    """How means, intervals and comparisons were made; one method is compared with nothing."""
    wilcoxon, holm, efron, demsar = (publications()[key] for key in STATISTICS)
    means = (
        "We report means over images with 95\u00a0% BCa bootstrap confidence intervals"
        f"{cite([efron])} (2,000 samples, seed 0)"
    )
    if methods < 2:
        return f"{means}."
    return (
        f"{means}; methods were compared by Wilcoxon's signed-rank test{cite([wilcoxon])} paired "
        f"by image, Holm-corrected{cite([holm])}, and by mean ranks with Nemenyi's critical "
        f"difference{cite([demsar])}."
    )


def _on_fewer(material: Material, metric: str) -> str:
    """On how many images a metric was scored, where not on all."""
    own = material.scores[material.scores["metric"] == metric]
    images = int(own["image_sha256"].nunique())
    return "" if images == material.images else f" (on {images} images)"


def _settings(entry: Mapping[str, Any]) -> str:
    """All settings of a recipe that change its result."""
    told = [
        in_words(name, str(value).lower() if isinstance(value, bool) else str(value))
        for name, value in entry.get("settings", {}).items()
        if value != ""
    ]
    return f" [{', '.join(told)}]" if told else ""


def _software(manifest: Mapping[str, Any], cite: Cite, safe: Callable[[str], str]) -> str:
    known = publications()
    used = [
        f"{name} {number}{cite([known[LIBRARIES[name]]] if name in LIBRARIES else [])}"
        for name, number in manifest.get("versions", {}).items()
    ]
    devices = list(manifest.get("devices") or [])
    where = f" on {safe(joined(devices))}" if devices else ""
    tools = f" with {joined(used)}" if used else ""
    day = str(manifest.get("created", ""))[:10]
    when = f"; the run was begun on {day}" if day else ""
    return f"All was computed by CAMpare {version('campare')}{where}{tools}{when}."
