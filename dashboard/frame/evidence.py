"""Evidence: what is known about one image, from the shipped gallery or from the desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from compute.questions import Answer, ImageScores, Maps, Prediction, Question
from compute.recognition import Recognised
from runs import cached, costs, drawn_images, shipped_maps
from state import choices, image_choice, named_models, skipping
from state.choices import Choices

from frame import waiting
from frame.watching import QUICK, SLOW, SLOWER
from xai_core import headline
from xai_core.images.reading import Floats, Framing, Photo


class About(NamedTuple):
    """What every question about an image begins with."""

    model: str
    sha256: str
    framing: Framing
    photo: Photo


class Subject(NamedTuple):
    """An image that is no sample: its photo, its true class and the index of that."""

    photo: Photo
    label: str
    true: int


PATIENCE = 0.15
"""Seconds that a page that opens waits for what comes at once, instead of drawing itself twice."""
FIRST_PATIENCE = 1.0
"""The same for the prediction: all else waits for it, and it for the pass that is at work."""
FIRST = "secam"
"""What is computed ahead: it needs the pass, the superpixels and the modules that others need."""
AT_ONCE = 5.0
"""Forward passes up to which a map comes at once."""
SHARED = 1.0
"""The pass that all methods share: what needs no more takes milliseconds, whatever the model."""
SHOWN_METRICS = headline.SHOWN


@dataclass(frozen=True)
class Cell:
    """One method's map for one class; `map` is None while it is computed or where it failed."""

    method: str
    target: int
    map: Floats | None = None
    seconds: float | None = None
    scores: dict[str, float | None] = field(default_factory=dict)
    notes: dict[str, float] = field(default_factory=dict)
    error: str = ""
    waiting: str = ""
    is_skipped: bool = False
    scores_follow: bool = False

    @property
    def pending(self) -> bool:
        return self.map is None and not self.error and not self.is_skipped


@dataclass(frozen=True)
class Evidence:
    """One image as one model sees it; without categories while the model is at work.

    `pace` tells in how many seconds it is worth to look again; None: nothing is missing.
    """

    photo: Photo
    label: str | None
    model: str = ""
    form: tuple[tuple[str, Any], ...] = ()
    categories: tuple[str, ...] = ()
    probabilities: tuple[float, ...] = ()
    targets: tuple[int, ...] = ()
    cells: tuple[Cell, ...] = ()
    pace: float | None = None
    stored: bool = False
    error: str = ""
    truth: tuple[int, ...] = ()
    fingerprint: str = ""

    def cell(self, method: str, target: int) -> Cell:
        return next(c for c in self.cells if (c.method, c.target) == (method, target))

    @property
    def is_mapped(self) -> bool:
        """Whether every map that can be had is there; scores may still be missing."""
        return bool(self.targets) and not any(cell.pending for cell in self.cells)

    @property
    def predicted(self) -> int:
        return max(range(len(self.probabilities)), key=self.probabilities.__getitem__)

    @property
    def true(self) -> int | None:
        """The index of the label, where the model knows it and it is one."""
        return self.truth[0] if len(self.truth) == 1 else None


def images() -> tuple[dict[str, tuple[str, str]], dict[str, str]]:
    """The images to choose from: id -> (title, data URI) of the first, id -> title of others."""
    kinds = kinds_for(choices.current().model)
    thumbnails = dict(drawn_images.thumbnails(shipped_maps.gallery_stamp(), kinds))
    cached.desk().brought(choices.session(), [p.sha256 for p in image_choice.uploads().values()])
    for number, (name, photo) in enumerate(image_choice.uploads().items(), start=1):
        thumbnails[name] = (f"your image {number}", drawn_images.thumbnail(photo))
    others = {k: s.title() for k, s in cached.samples().items() if k not in thumbnails}
    return thumbnails, others


def kinds_for(model: str) -> tuple[str, ...]:
    """What a model can know of the samples: fruits, everyday things, or of its own either."""
    if model in named_models.embedded():
        return ("fruits",)
    return ("photos", "fruits") if Path(model).is_dir() else ("photos",)


def prepare(brought: Photo | None) -> None:
    """Load the model in the background and begin with what was brought, or with the image shown.

    What the page asks next is answered sooner.
    """
    chosen = choices.current()
    if brought is not None:
        cached.desk().brought(choices.session(), [brought.sha256])
    photo = brought or photo_of(chosen.image)
    about = About(chosen.model, photo.sha256, chosen.framing, photo)
    questions: list[Question] = [Prediction(*about)]
    if brought is None:  # else the page asks for its maps at once
        questions.append(Maps(*about, FIRST, (0,)))
    cached.desk().ask(choices.session(), questions)


def stages(chosen: Choices) -> tuple[str, ...] | None:
    """The model's stages, which methods can look at; None while it is loaded."""
    question = Recognised.of(chosen.model)
    answer = cached.desk().ask(choices.session("stages"), [question], PATIENCE).get(question)
    if answer is None:
        return None
    return () if answer.error else tuple(answer.value["stages"])


def photo_of(image: str) -> Photo:
    """The photo of a sample or of an upload."""
    return image_choice.uploads().get(image) or drawn_images.sample_photo(image)


def look(
    chosen: Choices,
    metrics: Sequence[str] = SHOWN_METRICS,
    subject: Subject | None = None,
    patience: float = 0.0,
    part: str = "",
) -> Evidence:
    """All that is known now; what is missing is computed in the background, cheapest first.

    The image is `subject`, else the chosen sample or upload. For what takes no longer than
    `patience` (s) it is waited. `part`: which of several looks of one page this is.
    """
    photo, label = _photo_and_label(chosen, subject)
    about = About(chosen.model, photo.sha256, chosen.framing, photo)
    shipped = _shipped(chosen, photo)
    told = shipped or _prediction(about, part, patience)
    if not isinstance(told, Mapping):  # not known yet, or an error
        return Evidence(photo, label, pace=QUICK if told is None else None, error=told or "")
    truth = (subject.true,) if subject else _indices(told["categories"], label)
    targets = targets_of(chosen, told["categories"], told["probabilities"], truth)
    stored = [m for m in chosen.methods if shipped is not None and _stored(shipped, m, targets)]
    live = [method for method in chosen.methods if method not in stored]
    computed, pace = _compute(about, live, targets, tuple(metrics), part, patience)
    cells = [
        _stored_cell(shipped or {}, method, target)
        if method in stored
        else computed[method, target]
        for target in targets
        for method in chosen.methods
    ]
    return Evidence(
        photo,
        label,
        told["name"],
        tuple((k, tuple(v) if isinstance(v, list) else v) for k, v in told["form"].items()),
        tuple(told["categories"]),
        tuple(told["probabilities"]),
        targets,
        tuple(cells),
        pace=pace,
        stored=not live,
        truth=truth,
        fingerprint=told["fingerprint"],
    )


def _prediction(about: About, part: str, patience: float) -> dict[str, Any] | str | None:
    """What the model says of the image; an error's sentence, or None while it is at work."""
    question, wait = Prediction(*about), patience and FIRST_PATIENCE
    answer = cached.desk().ask(choices.session(part), [question], wait).get(question)
    if answer is None:
        return None
    found: dict[str, Any] = answer.value
    return answer.error or found


def _compute(
    about: About,
    methods: Sequence[str],
    targets: tuple[int, ...],
    metrics: tuple[str, ...],
    part: str,
    patience: float,
) -> tuple[dict[tuple[str, int], Cell], float | None]:
    """The cells of (method, class) that are asked of the desk, as known now; and `pace`."""
    skipped = {m for m in methods if skipping.is_skipped(about.sha256, about.model, m)}
    dear = costs.cheapest_first([m for m in methods if m not in skipped])
    maps = [
        Maps(*about, method, targets, is_quick=passes <= SHARED) for method, passes in dear.items()
    ]
    questions: list[Question] = [*maps]
    questions += [
        ImageScores(*about, method, targets, target, metrics)
        for method in (dear if metrics else ())
        for target in targets
    ]
    desk = cached.desk()
    known = desk.ask(choices.session(part), questions, patience) if questions else {}
    texts = waiting.texts(maps, known, dear, desk.progress)
    cells = {
        (method, target): Cell(method, target, is_skipped=True)
        if method in skipped
        else _live_cell(known, about, method, targets, target, metrics, texts)
        for method in methods
        for target in targets
    }
    return cells, _pace([question for question in questions if question not in known], dear)


def _photo_and_label(chosen: Choices, subject: Subject | None) -> tuple[Photo, str | None]:
    if subject is not None:
        return subject.photo, subject.label
    sample = cached.samples().get(chosen.image)
    return photo_of(chosen.image), sample.label if sample else None


def _indices(categories: Sequence[str], label: str | None) -> tuple[int, ...]:
    """The classes that a label such as "apple and corn" names, as far as the model has them."""
    names = list(categories)
    return tuple(names.index(name) for name in (label or "").split(" and ") if name in names)


def targets_of(
    chosen: Choices,
    categories: Sequence[str],
    probabilities: Sequence[float],
    truth: Sequence[int],
) -> tuple[int, ...]:
    """The classes to explain, as chosen; the most probable one where the choice names none."""
    order = sorted(range(len(categories)), key=lambda i: -probabilities[i])
    if chosen.classes == "named":
        named = [list(categories).index(name) for name in chosen.named if name in categories]
        return tuple(named) or (order[0],)
    if chosen.classes == "true":
        return tuple(dict.fromkeys([order[0], *truth]))
    return tuple(order[: int(chosen.classes)])


def _shipped(chosen: Choices, photo: Photo) -> dict[str, Any] | None:
    """The gallery's entry of the image, with the model's facts; None where it is not there."""
    gallery = shipped_maps.gallery()
    if gallery is None or chosen.framing != "whole" or chosen.image not in gallery:
        return None
    entry = gallery.picture(chosen.image)
    if chosen.model != gallery.classifier["name"] or photo.sha256 != entry["sha256"]:
        return None
    return {**entry, "image": chosen.image, **gallery.classifier}


def _stored(shipped: dict[str, Any], method: str, targets: Sequence[int]) -> bool:
    entries = shipped_maps.gallery_entries(shipped_maps.gallery_stamp(), shipped["image"])
    return method in entries and set(targets) <= set(shipped["targets"])


def _stored_cell(shipped: dict[str, Any], method: str, target: int) -> Cell:
    stamp, name = shipped_maps.gallery_stamp(), shipped["image"]
    entry = shipped_maps.gallery_entries(stamp, name)[method]
    number = shipped["targets"].index(target)
    scores = {k: v[number] if number < len(v) else None for k, v in entry["scores"].items()}
    notes = {k: v[number] for k, v in entry.get("notes", {}).items()}
    values = shipped_maps.gallery_maps(stamp, name, method)[number]
    return Cell(method, target, values, entry["seconds"], scores, notes)


def _live_cell(
    known: dict[Question, Answer],
    about: About,
    method: str,
    targets: tuple[int, ...],
    target: int,
    metrics: tuple[str, ...],
    texts: Mapping[str, str],
) -> Cell:
    answer = known.get(Maps(*about, method, targets))
    if answer is None:
        return Cell(method, target, waiting=texts.get(method, ""))
    if answer.error:
        return Cell(method, target, error=answer.error)
    number = targets.index(target)
    scored = known.get(ImageScores(*about, method, targets, target, metrics))
    return Cell(
        method,
        target,
        answer.value["maps"][number].astype("float32"),
        answer.seconds,
        dict(scored.value or {}) if scored else {},
        {name: values[number] for name, values in answer.value["notes"].items()},
        scores_follow=bool(metrics) and scored is None,
    )


def _pace(missing: Sequence[Question], dear: Mapping[str, float]) -> float | None:
    if any(isinstance(q, Maps) and dear[q.method] <= AT_ONCE for q in missing):
        return QUICK
    if any(isinstance(q, Maps) for q in missing):
        return SLOW
    return SLOWER if missing else None
