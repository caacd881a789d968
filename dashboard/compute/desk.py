"""The desk: hands what pages ask for to the workers, in turn; pages look again."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from typing import Protocol

from state import hosting
from state.byte_store import MB, ByteStore
from state.named_models import NamedModel

from compute.questions import Answer, Question
from compute.workers import DiedError, Task, UnreachableError

KEPT_ANSWERS_MB = 256
MOST_SEEN = 1000
LOOKED_AT_SECONDS = 6.0
"""Pages ask every two seconds at least; one that has not for so long is hidden."""
FORGET_SECONDS = 90.0
"""A browser lets a hidden page ask once a minute."""
IDLE_SECONDS = 0.5
RETRY_SECONDS = 10.0
"""What failed for want of a worker, and not by itself, is tried again when it is asked later."""
DEATHS = 2
LOST = (
    "The process that computes has ended unexpectedly, perhaps for lack of memory. A new one has "
    "begun, and what is missing is computed once more."
)
LOST_TWICE = (
    "the process that computes this ended twice, perhaps for lack of memory: try fewer samples or "
    "steps, or a smaller model"
)


class Engine(Protocol):
    """Where questions are answered."""

    def start(self) -> int: ...

    def begin(
        self,
        questions: Sequence[Question],
        given: dict[Question, Answer],
        wake: Callable[[], None],
    ) -> Task: ...

    def forget(self, sha256s: frozenset[str]) -> None: ...


class Desk:
    """Has questions answered one after another, those of all sessions in turn.

    What a session asks for replaces what it asked for before, and what is at work for nobody then
    ends at its next forward pass. A session for which `is_open` is false waits for nothing any
    more. Pages that are hidden stand back for those that are looked at, and are forgotten after a
    while. A question whose worker dies is asked once more. What is known of images that a session
    brought leaves with it, here, in the workers, and by `forget` wherever else.
    """

    def __init__(
        self,
        engine: Engine,
        is_open: Callable[[str], bool] = lambda session: True,
        forget: Callable[[frozenset[str]], None] = lambda sha256s: None,
    ) -> None:
        self._engine = engine
        self._is_open = is_open
        self._forget = forget
        self._answers: ByteStore[Question, Answer] = ByteStore(KEPT_ANSWERS_MB * MB)
        self._brought: dict[str, set[str]] = {}
        self._wanted: OrderedDict[str, tuple[float, list[Question]]] = OrderedDict()
        self._at_work: set[Question] = set()
        self._begun: dict[Question, tuple[Task, float]] = {}
        self._deaths: Counter[Question] = Counter()
        self._failed: dict[Question, float] = {}
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._change = threading.Condition()
        self._has_begun = False

    def start(self) -> None:
        """Have the workers load what they need, before anybody asks."""
        with self._change:
            if not self._has_begun:
                self._has_begun = True
                threading.Thread(target=self._begin, name="desk", daemon=True).start()

    def ask(
        self, session: str, questions: Sequence[Question], patience: float = 0.0
    ) -> dict[Question, Answer]:
        """What is known of `questions`; the rest is now what `session` waits for, in this order.

        With `patience` it is what is known after so many seconds, sooner if that is everything.
        """
        with self._change:
            self._forget_failures()
            waiting = self._unanswered(questions)
            if waiting:
                self._wanted[session] = (time.monotonic(), waiting)
            self._change.notify_all()
        if waiting:
            self.start()
        with self._change:
            if waiting and patience:
                self._change.wait_for(lambda: not self._unanswered(waiting), patience)
            return {q: self._answers[q] for q in questions if q in self._answers}

    def brought(self, session: str, sha256s: Iterable[str]) -> None:
        """These images are the session's own."""
        with self._change:
            self._brought.setdefault(session, set()).update(sha256s)

    def notice(self, tab: str) -> str:
        """One sentence where a session whose name begins so waits for what a dead worker had."""
        with self._change:
            lost = {question for question in self._deaths if question not in self._answers}
            of_tab = [qs for name, (_, qs) in self._wanted.items() if name.startswith(tab)]
            return LOST if any(lost & set(questions) for questions in of_tab) else ""

    def progress(self, question: Question) -> tuple[int, float] | None:
        """Passes begun and seconds since the start of one at work by itself; None for others."""
        with self._change:
            task, begun = self._begun.get(question, (None, 0.0))
            return None if task is None else (task.passes(), time.monotonic() - begun)

    def _begin(self) -> None:
        try:
            hands = self._engine.start()
        except UnreachableError:
            hands = 1  # whoever asks is told
        except Exception:  # nor may what is not foreseen end what all wait for
            logging.getLogger(__name__).exception("no worker was started")
            hands = 1
        for _ in range(hands - 1):
            threading.Thread(target=self._work, name="desk", daemon=True).start()
        self._work()

    def _work(self) -> None:
        while True:
            self._let_go()
            with self._change:
                questions = self._next()
                if not questions:
                    self._change.wait(timeout=IDLE_SECONDS)
                    continue
                self._at_work.update(questions)
            try:
                answers = self._answered(questions)
            except Exception as error:  # what is not foreseen must not end what all wait for
                logging.getLogger(__name__).exception("a question failed")
                failed = Answer(error=f"{type(error).__name__}: {error}; the log tells where")
                answers = dict.fromkeys(questions, failed)
            with self._change:
                for question in questions:
                    self._at_work.discard(question)
                    self._begun.pop(question, None)
                for question, answer in answers.items():
                    self._note(question, answer)

    def _let_go(self) -> None:
        """Forget what only sessions that have ended brought."""
        with self._change:
            ended = [name for name in self._brought if not self._is_open(name)]
            gone = frozenset[str]().union(*map(self._brought.pop, ended))
            gone -= set[str]().union(*self._brought.values())
            if not gone:
                return
            self._answers.forget(lambda question: question.sha256 in gone)
            for sha256 in gone:
                self._seen.pop(sha256, None)
        self._forget(gone)
        self._engine.forget(gone)

    def _answered(self, questions: Sequence[Question]) -> dict[Question, Answer]:
        """Those that are answered now; others are to be asked once more, if anybody wants them."""
        problem = hosting.model_problem(NamedModel.parse(questions[0].model))
        if problem:
            return dict.fromkeys(questions, Answer(error=problem))
        try:
            return self._sent(questions)
        except UnreachableError as error:
            return self._failures(questions, str(error))
        except DiedError:
            self._seen.clear()
            with self._change:
                self._deaths.update(question.without_photo() for question in questions)
                last = [q for q in questions if self._deaths[q.without_photo()] >= DEATHS]
            return self._failures(last, LOST_TWICE)

    def _failures(self, questions: Sequence[Question], error: str) -> dict[Question, Answer]:
        with self._change:
            now = time.monotonic()
            self._failed.update({question.without_photo(): now for question in questions})
        return dict.fromkeys(questions, Answer(error=error))

    def _forget_failures(self) -> None:
        for question, failed in list(self._failed.items()):
            if time.monotonic() - failed > RETRY_SECONDS:
                del self._failed[question]
                self._answers.drop(question)

    def _sent(self, questions: Sequence[Question]) -> dict[Question, Answer]:
        sha256 = questions[0].sha256
        with self._change:
            needs = (needed for question in questions for needed in question.needs())
            known = [needed for needed in needs if needed in self._answers]
            given = {needed.without_photo(): self._answers[needed] for needed in known}
        light = [question.without_photo() for question in questions]
        heavy = [questions[0], *light[1:]]
        is_light = sha256 in self._seen
        first = light if is_light else heavy
        answers = self._waited(questions, self._engine.begin(first, given, self._wake))
        if answers is None and is_light and not self._is_over(questions):
            answers = self._waited(questions, self._engine.begin(heavy, given, self._wake))
        with self._change:
            self._seen[sha256] = None
            while len(self._seen) > MOST_SEEN:
                self._seen.popitem(last=False)
        return dict(zip(questions, answers or (), strict=False))

    def _waited(self, questions: Sequence[Question], task: Task) -> list[Answer] | None:
        with self._change:
            if len(questions) == 1:  # else nobody knows at which of them it is
                self._begun[questions[0]] = task, time.monotonic()
            while not task.is_done():
                if self._is_over(questions):
                    task.end()
                    return None
                self._change.wait(timeout=IDLE_SECONDS)
        return task.answers()

    def _wake(self) -> None:
        with self._change:
            self._change.notify_all()

    def _note(self, question: Question, answer: Answer) -> None:
        self._deaths.pop(question, None)
        self._answers.put(question.without_photo(), answer)
        self._change.notify_all()

    def _is_over(self, at_work: Sequence[Question]) -> bool:
        """Whether no session wants an answer any more, or only hidden ones while others wait."""
        with self._change:
            wanting = [
                name
                for name, (_, questions) in self._wanted.items()
                if not set(at_work).isdisjoint(questions) and self._is_open(name)
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

    def _next(self) -> list[Question]:
        """The first open question of the session that waited longest; sessions take turns.

        With one that is quick come those that follow it and are quick, too.
        """
        now = time.monotonic()
        for session, (asked, questions) in list(self._wanted.items()):
            is_forgotten = now - asked > FORGET_SECONDS or not self._is_open(session)
            if is_forgotten or not self._unanswered(questions):
                del self._wanted[session]
        looked_at = self._looked_at()
        for session in self._wanted:
            if session in looked_at or not looked_at:
                waiting = self._unanswered(self._wanted[session][1])
                waiting = [question for question in waiting if question not in self._at_work]
                if waiting:
                    self._wanted.move_to_end(session)
                    return self._together(waiting)
        return []

    def _together(self, waiting: Sequence[Question]) -> list[Question]:
        """The first, and what goes with it; alone what a worker has died of, perhaps."""
        first = waiting[0]

        def goes_along(question: Question) -> bool:
            is_alike = (question.model, question.sha256, question.framing) == (
                first.model,
                first.sha256,
                first.framing,
            )
            return question.is_quick and is_alike and question not in self._deaths

        return list(takewhile(goes_along, waiting)) or [first]
