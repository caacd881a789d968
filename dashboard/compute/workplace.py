"""Workplace: where questions are answered, in a worker; it keeps models and images at hand."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING

import numpy as np
from state import uploads
from state.byte_store import MB, ByteStore, bytes_of
from state.named_models import NamedModel

from compute.questions import Answer, Maps, Prediction, Question
from xai_core.images.reading import Framing, Photo
from xai_core.models.interruption import Interrupted, interruptible

if TYPE_CHECKING:
    from xai_core.models.batch import Batch
    from xai_core.models.classifier import Classifier

KEPT_CLASSIFIERS_MB = 2048
KEPT_BATCHES_MB = 128
KEPT_PHOTOS_MB = 256
PROGRESS = "campare-progress"
TOLD_SECONDS = 0.5
TOGETHER_SECONDS = 0.05
"""Then no other question is begun before the answers go back, which takes half of that."""
EXPECTED = (ValueError, ArithmeticError, OSError, RuntimeError, MemoryError)
"""What bad input, full disks and small memories raise; the message is for people."""
_GIVEN: ContextVar[Mapping[Question, Answer]] = ContextVar("given")


class PhotoMissingError(LookupError):
    """A question came without its photo, and the workplace has not seen it."""


class Workplace:
    """Answers questions in the calling thread, one after another."""

    def __init__(self) -> None:
        self._photos: ByteStore[str, Photo] = ByteStore(KEPT_PHOTOS_MB * MB)
        self._classifiers: ByteStore[str, Classifier] = ByteStore(KEPT_CLASSIFIERS_MB * MB)
        self._batches: ByteStore[tuple[str, str, Framing], Batch] = ByteStore(
            KEPT_BATCHES_MB * MB, _bytes_of_batch
        )

    def answers_from(
        self, questions: Sequence[Question], given: Mapping[Question, Answer]
    ) -> list[Answer]:
        """The answers of the first questions: of as many as are begun in TOGETHER_SECONDS."""
        answers, begin = [], time.monotonic()
        for question in questions:
            answers.append(self.answer_from(question, given))
            if time.monotonic() - begin > TOGETHER_SECONDS:
                break
        return answers

    def answer_from(self, question: Question, given: Mapping[Question, Answer]) -> Answer:
        """The answer, computed from those that are `given`; raises PhotoMissingError."""
        if question.photo.sha256:
            self._photos.made(question.photo.sha256, lambda: question.photo)
        token = _GIVEN.set(given)
        try:
            return self.answer(question)
        finally:
            _GIVEN.reset(token)
            key = (question.model, question.sha256, question.framing)
            batch = self._batches.get(key)
            if batch is not None:  # it has grown by what methods share
                self._batches.put(key, batch)

    def answer(self, question: Question) -> Answer:
        """The answer that was given with the question at work, or else computed now."""
        given = _GIVEN.get({})
        if question in given:
            return given[question]
        begin = time.perf_counter()
        try:
            return Answer(question.compute(self), seconds=time.perf_counter() - begin)
        except PhotoMissingError:
            raise
        except EXPECTED as error:
            return Answer(error=str(error).partition("\n")[0] or type(error).__name__)
        except Exception as error:  # a fault of ours must not end the worker that all wait for
            logging.getLogger(__name__).exception("a question failed")
            return Answer(error=f"{type(error).__name__}: {error}; the log tells where")

    def batch(self, question: Question) -> Batch:
        """The image prepared for the model, with what methods share already computed."""
        key = (question.model, question.sha256, question.framing)
        return self._batches.made(key, lambda: self._prepared(question))

    def forget(self, sha256s: frozenset[str]) -> None:
        """Drop all that is kept of these images."""
        self._photos.forget(lambda sha256: sha256 in sha256s)
        self._batches.forget(lambda key: key[1] in sha256s)

    def classifier(self, name: str) -> Classifier:
        """The model of that name, loaded once: it is wanted again, whatever the image."""

        def load() -> Classifier:
            with interruptible(lambda: False):
                return NamedModel.parse(name).load()

        return self._classifiers.made(name, load)

    def _prepared(self, question: Question) -> Batch:
        from xai_core.models.batch import Batch

        photo = self._photos.get(question.sha256)
        if photo is None:
            raise PhotoMissingError(question.sha256)
        return Batch.of(self.classifier(question.model), [photo], question.framing)


def _bytes_of_batch(batch: Batch) -> int:
    return bytes_of({name: held for name, held in vars(batch).items() if name != "classifier"})


_HERE = Workplace()


def answered(
    questions: Sequence[Question], given: Mapping[Question, Answer]
) -> list[Answer] | None:
    """What a worker is asked to do; None where it needs the photo, or is asked no more."""
    from distributed import get_worker

    worker = get_worker()
    task = worker.state.tasks[worker.get_current_task()]
    passes, told = 0, 0.0

    def note(more: int) -> None:
        nonlocal passes, told
        passes += more
        if time.monotonic() - told > TOLD_SECONDS:
            told = time.monotonic()
            worker.log_event(PROGRESS, {"key": task.key, "passes": passes})

    try:
        # a task that is cancelled while it runs is told so nowhere else
        with interruptible(lambda: task.state != "executing", note):
            return _HERE.answers_from(questions, given)
    except (Interrupted, PhotoMissingError):
        return None


def forget(sha256s: frozenset[str]) -> None:
    """What a worker is told when nobody has these images any more."""
    _HERE.forget(sha256s)
    uploads.forget(sha256s)


def make_ready() -> None:
    """Load torch, the methods, the first model, and what they load when they are first used."""
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    photo = Photo("ready", pixels, "ready")
    _HERE.answer_from(Prediction("orchard", "ready", "whole", photo), {})
    _HERE.answer_from(Maps("orchard", "ready", "whole", photo, "secam", (0,)), {})
