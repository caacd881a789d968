"""Phrases: the parts of sentences that every page writes alike; no Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xai_core.findings import results
from xai_core.titles import joined, percent

MOST_NAMES = 4


def about(manifest: dict[str, Any], images: int | str) -> str:
    """What a number rests on: "orchard (model orchard, n = 240 images)"."""
    noun = "image" if images == 1 else "images"
    return f"{manifest['dataset']} (model {manifest['classifier']['name']}, n = {images} {noun})"


def not_yours(shown: dict[str, Any], images: int | str, asked: str, why: str) -> str:
    """That an answer rests on another run than the chosen one, and why."""
    return f"From the shipped run, not yours ({asked}): {about(shown, images)}. {why}"


def ci(low: float, high: float, digits: int = 3) -> str:
    """95 % CI (0.101, 0.203)"""
    return f"95 % CI ({low:z.{digits}f}, {high:z.{digits}f})"


def bootstrap_share(share: float) -> str:
    """A share of bootstrap samples: never 100 % or 0 %, which no number of samples shows."""
    if share > 0.999:
        return "> 99.9 %"
    if share < 0.001:
        return "< 0.1 %"
    return percent(share, 1 if share > 0.99 else 0)


def p_value(p: float) -> str:
    """p < 0.001, p = 0.03"""
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.2g}" if abs(p - 0.05) > 0.001 else f"p = {p:.3g}"


def inside(title: str) -> str:
    """A title as it stands inside a sentence: Deletion -> deletion, ADCC stays."""
    return title if title[:2].isupper() else title[:1].lower() + title[1:]


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def numbered(count: int, noun: str) -> str:
    """How many there are: "1 metric", "15 metrics"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def few(names: Sequence[str], of: int = 0) -> str:
    """A few names whole, of many the number: "A and B", "7 of 9 methods"."""
    if len(names) <= MOST_NAMES:
        return joined(list(names))
    return f"{len(names)} of {of} methods" if of else f"{len(names)} methods"


def twins(method: str, same: Sequence[Sequence[str]], manifest: dict[str, Any]) -> str:
    """A method with those that are the same map on this model: "CAM = Grad-CAM"."""
    group = next((group for group in same if method in group), (method,))
    return " = ".join(results.method_title(m, manifest) for m in group)
