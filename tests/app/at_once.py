"""At once: answers questions in threads of this process, as a worker does in its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from compute.questions import Answer, Question
from compute.workers import DiedError
from compute.workplace import PhotoMissingError, Workplace

from xai_core.models.interruption import Interrupted, checkpoint, interruptible


class Dies(BaseException):
    """A question raises it to end the worker that answers it."""


class Running:
    """Questions in a thread."""

    def __init__(self, work: Callable[[], list[Answer]], wake: Callable[[], None]) -> None:
        self._is_over = threading.Event()
        self._is_done = threading.Event()
        self._has_died = False
        self._answers: list[Answer] | None = None
        self._passes = 0
        self._work, self._wake = work, wake
        # not a daemon: ending Python in the middle of a torch operation would crash it
        threading.Thread(target=self._run).start()

    def _run(self) -> None:
        try:
            with interruptible(self._ends, self._note):
                self._answers = self._work()
        except (Interrupted, PhotoMissingError):
            self._answers = None
        except Dies:
            self._has_died = True
        self._is_done.set()
        self._wake()

    def _ends(self) -> bool:
        return self._is_over.is_set() or not threading.main_thread().is_alive()

    def _note(self, passes: int) -> None:
        self._passes += passes

    def passes(self) -> int:
        return self._passes

    def is_done(self) -> bool:
        return self._is_done.is_set()

    def answers(self) -> list[Answer] | None:
        if self._has_died:
            raise DiedError
        return self._answers

    def end(self) -> None:
        self._is_over.set()


class AtOnce:
    """Stands for workers with `hands` threads, all at one workplace."""

    def __init__(self, hands: int = 1) -> None:
        self.workplace = Workplace()
        self.tasks: list[list[Question]] = []
        self._hands = hands
        self._free = threading.Semaphore(hands)

    def start(self) -> int:
        return self._hands

    def begin(
        self,
        questions: Sequence[Question],
        given: Mapping[Question, Answer],
        wake: Callable[[], None],
    ) -> Running:
        self.tasks.append(list(questions))

        def work() -> list[Answer]:
            with self._free:
                checkpoint()
                return self.workplace.answers_from(questions, given)

        return Running(work, wake)

    def forget(self, sha256s: frozenset[str]) -> None:
        self.workplace.forget(sha256s)
