"""Seeds: how far two seeds of a sampling method agree, as it takes more samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compute.questions import Maps
from recipes import facts
from runs import alikeness, cached
from state import choices
from state.choices import Choices

from frame.evidence import About, Evidence

COUNTS = (50, 100, 200, 400)
FAMILIES = ("perturbation", "SHAP")
NONE = "None of the chosen methods samples: add LIME or KernelSHAP to see whether it settles."


@dataclass(frozen=True)
class Track:
    """One method: number of samples -> rank correlation of two seeds, as far as it is known."""

    method: str
    points: dict[int, float]
    pending: bool
    error: str = ""


def samplers(methods: tuple[str, ...]) -> list[str]:
    """Those of the methods whose maps depend on a number of samples and a seed."""
    known = facts.facts("methods")
    return [
        spec
        for spec in methods
        if (fact := known.get(spec.partition("[")[0])) is not None
        and fact.constants.get("family") in FAMILIES
        and {"samples", "seed"} <= set(fact.settings)
    ]


def look(seen: Evidence, chosen: Choices, target: int) -> list[Track]:
    """What is known now of every sampling method; the rest is computed in the background."""
    about = About(chosen.model, seen.photo.sha256, chosen.framing, seen.photo)
    asked = {
        (method, count): tuple(
            Maps(*about, facts.changed(method, samples=count, seed=seed), (target,))
            for seed in (0, 1)
        )
        for count in COUNTS
        for method in samplers(chosen.methods)
    }
    questions = [question for pair in asked.values() for question in pair]
    known = cached.desk().ask(choices.session("seeds"), questions)
    tracks = []
    for method in samplers(chosen.methods):
        points: dict[int, float] = {}
        error, pending = "", False
        for count in COUNTS:
            answers = [known.get(question) for question in asked[method, count]]
            ready = [answer for answer in answers if answer is not None]
            error = error or next((a.error for a in ready if a.error), "")
            if len(ready) < 2 or error:
                pending = pending or not error
                continue
            maps = [answer.value["maps"][0] for answer in ready]
            points[count] = float(alikeness.rank_correlations(maps)[0, 1])
        tracks.append(Track(method, points, pending, error))
    return tracks


def says(tracks: Sequence[Track], category: str) -> str:
    """What is drawn, the agreement at the largest known number of samples, what is missing."""
    found = [
        f"{facts.label_of(track.method)} {track.points[most]:.2f} at {most} samples"
        for track in tracks
        if track.points and (most := max(track.points))
    ]
    told = f" {facts.joined(found)}." if found else ""
    waiting = " computing …" if any(track.pending for track in tracks) else ""
    return (
        f"This image, {category}: Spearman correlation over all pixels between the maps of two "
        f"seeds (0 and 1).{told} Near 1 the map no longer depends on the draw; far below it, take "
        f"more samples.{waiting}"
    )
