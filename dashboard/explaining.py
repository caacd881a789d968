"""Explaining in the background: one thread computes what pages ask for, pages look again."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import giving_way
import numpy as np
from networks import Network

from xai_core.heatmap import limit_of
from xai_core.images import RGB, Floats, Framing, Photo, framed, open_image
from xai_core.interruption import Interrupted, interruptible

if TYPE_CHECKING:
    from xai_core.batch import Batch
    from xai_core.classifier import Classifier
    from xai_core.methods import Method

KEPT_ANSWERS = 2000
KEPT_NETWORKS = 3
KEPT_BATCHES = 4
PHOTOS_AT_ONCE = 16
LOOKED_AT_SECONDS = 6.0
"""Pages ask every two seconds at least; one that has not for so long is hidden."""
FORGET_SECONDS = 90.0
"""A browser lets a hidden page ask once a minute."""
IDLE_SECONDS = 0.5
EXPECTED = (ValueError, ArithmeticError, OSError, RuntimeError, MemoryError)
"""What bad input, full disks and small memories raise; the message is for people."""


@dataclass(frozen=True)
class Answer:
    """What became of a question: its value, or one sentence about what went wrong."""

    value: Any = None
    error: str = ""
    seconds: float = 0.0


NO_PHOTO = Photo("", np.zeros((1, 1, 3), np.uint8), "")
"""For questions about a set of pictures."""


@dataclass(frozen=True)
class Question:
    """Something to compute for one picture and one network; equal questions share an answer."""

    network: str
    sha256: str
    framing: Framing
    photo: Photo = field(compare=False, repr=False)

    def compute(self, desk: Desk) -> Any:
        raise NotImplementedError


@dataclass(frozen=True)
class Prediction(Question):
    """The network's classes and probabilities: {"categories", "probabilities", "form", ...}."""

    def compute(self, desk: Desk) -> dict[str, Any]:
        batch = desk.batch(self)
        classifier = batch.classifier
        return {
            "name": classifier.name,
            "fingerprint": classifier.fingerprint,
            "categories": list(classifier.categories),
            "form": vars(classifier.form),
            "probabilities": batch.probabilities[0].tolist(),
        }


@dataclass(frozen=True)
class Maps(Question):
    """One method's maps (T, H, W) for some classes: {"maps", "notes"}."""

    method: str
    targets: tuple[int, ...]

    def compute(self, desk: Desk) -> dict[str, Any]:
        import torch

        batch = desk.batch(self)
        wanted = torch.tensor([self.targets], device=batch.images.device)
        notes: dict[str, torch.Tensor] = {}
        maps = recipe(self.method).attribute(batch, wanted, notes)
        return {
            "maps": maps[0].half().cpu().numpy(),
            "notes": {name: values[0].tolist() for name, values in notes.items()},
        }


@dataclass(frozen=True)
class ImageScores(Question):
    """One method's scores for one class: {metric spec: value or None}."""

    method: str
    targets: tuple[int, ...]
    target: int
    metrics: tuple[str, ...]

    def compute(self, desk: Desk) -> dict[str, float | None]:
        import torch

        from xai_core.catalog import configure
        from xai_core.metrics import METRICS, Case

        batch = desk.batch(self)
        asked = Maps(self.network, self.sha256, self.framing, self.photo, self.method, self.targets)
        answer = desk.answer_now(asked)
        if answer.error:
            raise ValueError(answer.error)
        row = answer.value["maps"][self.targets.index(self.target)]
        maps = torch.from_numpy(row.astype(np.float32))[None].to(batch.images.device)
        target = torch.tensor([self.target], device=batch.images.device)
        case = Case(batch, target, maps, recipe(self.method))
        scores: dict[str, float | None] = {}
        for metric in configure(self.metrics, METRICS):
            value = float(metric.score(case).values[0])
            scores[metric.spec()] = value if value == value else None
        return scores


@dataclass(frozen=True)
class Regions(Question):
    """The superpixel labels (H, W) of the picture as the network sees it."""

    segments: int
    compactness: float

    def compute(self, desk: Desk) -> Floats:
        from xai_core.superpixels import Slic

        labels = desk.batch(self).segments(Slic(self.segments, self.compactness))[0]
        return np.asarray(labels.cpu().numpy().astype(np.int16))


@dataclass(frozen=True)
class Channels(Question):
    """The channels that add most to a class' logit: indices, shares, maps, bias and logit."""

    target: int
    count: int

    def compute(self, desk: Desk) -> dict[str, Any]:
        import torch

        from xai_core.feature_visualization import channel_shares

        batch = desk.batch(self)
        target = torch.tensor([[self.target]], device=batch.images.device)
        shares = channel_shares(batch, target)[0, 0]
        best = shares.topk(min(self.count, len(shares))).indices
        logit = float(batch.logits[0, self.target])
        return {
            "channels": best.tolist(),
            "shares": shares[best].tolist(),
            "maps": batch.activations[0, best].float().cpu().numpy(),
            "logit": logit,
            "bias": logit - float(shares.sum()),
            "all": len(shares),
        }


@dataclass(frozen=True)
class ChannelMeans(Question):
    """Every channel's mean activation on many pictures: an array (pictures, channels).

    `sha256` names the set of pictures; `photo` is not looked at.
    """

    photos: tuple[Photo, ...] = field(compare=False, repr=False)

    def compute(self, desk: Desk) -> Floats:
        import torch

        from xai_core.batch import Batch

        classifier = desk.classifier(self.network)
        means = []
        for start in range(0, len(self.photos), PHOTOS_AT_ONCE):
            part = self.photos[start : start + PHOTOS_AT_ONCE]
            with torch.inference_mode():
                activations = Batch.of(classifier, part, self.framing).activations
            means.append(activations.float().mean(dim=(2, 3)).cpu().numpy())
        return np.concatenate(means)


@dataclass(frozen=True)
class MeanMap(Question):
    """A class' map, averaged over many pictures: {"map", "picture", "n"} as the network sees them.

    Each map counts alike: it is divided by what is drawn in full colour. `sha256` names the set
    of pictures; `photo` is not looked at.
    """

    method: str
    target: int
    files: tuple[Path, ...] = field(compare=False, repr=False)

    def compute(self, desk: Desk) -> dict[str, Any]:
        import torch

        from xai_core.batch import Batch

        classifier = desk.classifier(self.network)
        size = classifier.form.size
        total = np.zeros((size, size), dtype=np.float32)
        picture = np.zeros((size, size, 3), dtype=np.float32)
        for start in range(0, len(self.files), PHOTOS_AT_ONCE):
            photos = [open_image(file) for file in self.files[start : start + PHOTOS_AT_ONCE]]
            batch = Batch.of(classifier, photos, self.framing)
            targets = torch.full((len(photos), 1), self.target, device=batch.images.device)
            maps = recipe(self.method).attribute(batch, targets)[:, 0].cpu().numpy()
            for photo, values in zip(photos, maps, strict=True):
                total += values / (limit_of(values) or 1.0)
                picture += framed(photo.rgb, classifier.form, self.framing)
        count = len(self.files)
        return {
            "map": total / count,
            "picture": np.rint(picture / count).astype(np.uint8),
            "n": count,
        }


@dataclass(frozen=True)
class Synthesis(Question):
    """The picture that a channel likes best, optimised from noise; `photo` is not looked at."""

    channel: int
    steps: int

    def compute(self, desk: Desk) -> RGB:
        from xai_core.feature_visualization import Channel, FeatureVisualization

        recipe = FeatureVisualization(steps=self.steps)
        return recipe.synthesise(desk.classifier(self.network), Channel(self.channel)).rgb


class Desk:
    """Answers questions one after another, those of all sessions in turn.

    What a session asks for replaces what it asked for before, and what is at work for nobody then
    ends at its next forward pass. A session for which `is_open` is false waits for nothing any
    more. Pages that are hidden stand back for those that are looked at, and are forgotten after a
    while.
    """

    def __init__(self, is_open: Callable[[str], bool] = lambda session: True) -> None:
        self._is_open = is_open
        self._answers: OrderedDict[Question, Answer] = OrderedDict()
        self._wanted: OrderedDict[str, tuple[float, list[Question]]] = OrderedDict()
        self._networks: OrderedDict[str, Classifier] = OrderedDict()
        self._batches: OrderedDict[tuple[str, str, Framing], Batch] = OrderedDict()
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_wanted = False

    @property
    def has_begun(self) -> bool:
        """Whether anything was asked yet: then torch is loaded, or on its way."""
        return self._thread is not None

    @property
    def is_wanted(self) -> bool:
        """Whether somebody waits for an answer, not only what was asked ahead."""
        with self._change:
            open_ones = (questions for _, questions in self._wanted.values())
            return self._is_wanted and any(map(self._unanswered, open_ones))

    def ask(
        self,
        session: str,
        questions: Sequence[Question],
        patience: float = 0.0,
        *,
        ahead: bool = False,
    ) -> dict[Question, Answer]:
        """What is known of `questions`; the rest is now what `session` waits for, in this order.

        With `patience` it is what is known after so many seconds, sooner if that is everything.
        As long as everything was asked `ahead`, pages that are drawn go first.
        """
        with self._change:
            waiting = self._unanswered(questions)
            self._is_wanted |= bool(waiting) and not ahead
            if waiting:
                self._wanted[session] = (time.monotonic(), waiting)
            if waiting and self._thread is None:
                # not a daemon: ending Python in the middle of a torch operation would crash it
                self._thread = threading.Thread(target=self._work, name="desk", daemon=False)
                self._thread.start()
            self._change.notify_all()
            if waiting and patience:
                with giving_way.aside():
                    self._change.wait_for(lambda: self._answers.keys() >= set(waiting), patience)
            known = {q: self._answers[q] for q in questions if q in self._answers}
            for question in known:
                self._answers.move_to_end(question)
        return known

    def answer_now(self, question: Question) -> Answer:
        """The answer, computed in the calling thread where it is not known yet."""
        with self._change:
            if question in self._answers:
                return self._answers[question]
        begin = time.perf_counter()
        try:
            answer = Answer(question.compute(self), seconds=time.perf_counter() - begin)
        except EXPECTED as error:
            answer = Answer(error=str(error).partition("\n")[0] or type(error).__name__)
        except Exception as error:  # a fault of ours must not end the thread that all wait for
            logging.getLogger(__name__).exception("a question failed")
            answer = Answer(error=f"{type(error).__name__}: {error}; the log tells where")
        with self._change:
            self._answers[question] = answer
            while len(self._answers) > KEPT_ANSWERS:
                self._answers.popitem(last=False)
            self._change.notify_all()
        return answer

    def batch(self, question: Question) -> Batch:
        """The picture prepared for the network, with what methods share already computed."""
        from xai_core.batch import Batch

        key = (question.network, question.sha256, question.framing)
        if key not in self._batches:
            classifier = self.classifier(question.network)
            self._batches[key] = Batch.of(classifier, [question.photo], question.framing)
            while len(self._batches) > KEPT_BATCHES:
                self._batches.popitem(last=False)
        self._batches.move_to_end(key)
        return self._batches[key]

    def classifier(self, name: str) -> Classifier:
        """The network of that name, loaded once: it is wanted again, whatever the picture."""
        if name not in self._networks:
            with interruptible(lambda: False):
                self._networks[name] = Network.parse(name).load()
            while len(self._networks) > KEPT_NETWORKS:
                self._networks.popitem(last=False)
        self._networks.move_to_end(name)
        return self._networks[name]

    def _work(self) -> None:
        while threading.main_thread().is_alive():
            with self._change:
                question = self._next()
                if question is None:
                    self._change.wait(timeout=IDLE_SECONDS)
                    continue
            try:
                background = giving_way.background(lambda: self._is_wanted)
                with interruptible(partial(self._is_over, question)), background:
                    self.answer_now(question)
            except Interrupted:
                continue

    def _is_over(self, question: Question) -> bool:
        """Whether no session wants the answer any more, or only hidden ones while others wait."""
        with self._change:
            wanting = [
                name
                for name, (_, questions) in self._wanted.items()
                if question in questions and self._is_open(name)
            ]
            looked_at = self._looked_at()
            return not wanting or bool(looked_at and not looked_at & set(wanting))

    def _looked_at(self) -> set[str]:
        """The sessions that wait for something and have asked for it a moment ago."""
        now = time.monotonic()
        return {
            session
            for session, (asked, questions) in self._wanted.items()
            if now - asked <= LOOKED_AT_SECONDS and self._unanswered(questions)
        }

    def _unanswered(self, questions: Sequence[Question]) -> list[Question]:
        return [question for question in questions if question not in self._answers]

    def _next(self) -> Question | None:
        """The first open question of the session that waited longest; sessions take turns."""
        now = time.monotonic()
        for session, (asked, questions) in list(self._wanted.items()):
            is_forgotten = now - asked > FORGET_SECONDS or not self._is_open(session)
            if is_forgotten or not self._unanswered(questions):
                del self._wanted[session]
        looked_at = self._looked_at()
        for session in self._wanted:
            if session in looked_at or not looked_at:
                self._wanted.move_to_end(session)
                return self._unanswered(self._wanted[session][1])[0]
        return None


def recipe(spec: str) -> Method:
    """The method that a spec such as `secam[segments=200]` names.

    Half of its batch at a time: no slower on a CPU, and a picture that is chosen meanwhile waits
    for less.
    """
    from xai_core.catalog import configure
    from xai_core.methods import METHODS

    method = configure([spec], METHODS)[0]
    at_once = getattr(method, "batch_size", 0)
    return replace(method, **{"batch_size": at_once // 2}) if at_once > 1 else method
