"""Facts of a ground-truth run: what must hold for its scores to mean what they say."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xai_core import DATA
from xai_core.files import read_object, write_whole

if TYPE_CHECKING:
    from xai_core.models.classifier import Classifier
    from xai_core.orchard.shot import Shot

FILE = "facts.json"


def load_facts(run_dir: str | Path) -> dict[str, Any]:
    """What was measured beside the scores; empty where nothing was. Read without torch.

    Keys, each where it was measured: in_domain, redrawing, declines, stickers, gates.
    """
    try:
        return read_object(Path(run_dir) / FILE)
    except (OSError, ValueError):
        return {}


def add_facts(run_dir: Path, **facts: Any) -> None:
    """Put facts beside those that are there."""
    content = {**load_facts(run_dir), **facts}
    run_dir.mkdir(parents=True, exist_ok=True)
    write_whole(run_dir / FILE, json.dumps(content, indent=1))


def sticker_checks(names: Sequence[str]) -> dict[str, Any]:
    """The check by intervention that training put into each model card, by model."""
    checks = {}
    for name in names:
        card = DATA / "models" / f"{name}.json"
        if card.is_file():
            stored = read_object(card)
            if "sticker_check" in stored:
                checks[name] = stored["sticker_check"]
    return checks


def in_domain(classifier: Classifier, shots: Sequence[Shot]) -> dict[str, Any]:
    """Accuracy on the scenes as they are and with one thing removed, over all single removals.

    `part` is what a random part of the fruit gives, `minor_part` one that is not the largest (the
    body carries the class: without it there may be no fruit to name); `lost` is what a minor part
    costs. A model that breaks down there was never shown such images.
    """
    from xai_core.ground_truth.benchmarks._units import LIGHT
    from xai_core.orchard.interventions import removable_units, without
    from xai_core.orchard.redrawing import logits_of_shots, redrawn

    right: dict[str, list[float]] = defaultdict(list)
    for shot in shots:
        labels = {classifier.categories.index(name) for name in shot.scene.classes}
        units = removable_units(shot.scene)
        edited = [shot.of(without(shot.scene, unit)) for unit in units]
        predicted = logits_of_shots(classifier, [shot, *edited]).argmax(dim=1).tolist()
        right["whole"].append(float(predicted[0] in labels))
        by_kind: dict[str, list[float]] = defaultdict(list)
        drawn = redrawn(shot)
        parts = [unit for unit in units if _is_part(unit, shot)]
        largest = max(parts, key=lambda unit: drawn.mask(unit).sum(), default="")
        for unit, guess in zip(units, predicted[1:], strict=True):
            kind = unit if unit in LIGHT else "part" if _is_part(unit, shot) else "distractor"
            by_kind[kind].append(float(guess in labels))
            if kind == "part" and unit != largest:
                by_kind["minor_part"].append(float(guess in labels))
        for kind, hits in by_kind.items():  # each scene counts once, whatever its parts
            right[kind].append(sum(hits) / len(hits))
    shares = {kind: round(sum(hits) / len(hits), 4) for kind, hits in right.items()}
    lost = shares["whole"] - shares.get("minor_part", shares["whole"])
    return {"images": len(shots), **shares, "lost": round(lost, 4)}


def redrawing(classifier: Classifier, shots: Sequence[Shot], logits: Any) -> dict[str, Any]:
    """How far the redrawn image's logits lie from those (N, K) of the image explained."""
    from xai_core.orchard.redrawing import logits_of_shots

    drawn = logits_of_shots(classifier, shots)
    same = (drawn.argmax(dim=1) == logits.argmax(dim=1)).float().mean()
    return {
        "images": len(shots),
        "same_prediction": round(float(same), 4),
        "mean_change": round(float((drawn - logits).abs().mean()), 4),
        "spread": round(float(logits.std(dim=1).mean()), 4),
    }


def _is_part(unit: str, shot: Shot) -> bool:
    return unit.split(".")[0] in {fruit.name for fruit in shot.scene.fruits}
