"""One line of progress with the time left, on the terminal or (line by line) in a log."""

from __future__ import annotations

import sys
import time

from xai_core.evaluation.plan import duration

BAR = 24


class ProgressLine:
    """Draws `title [####    ] 42 %, 3 min left  message` whenever `show` is called."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._started = time.monotonic()
        self._shown = 0.0
        self._first: float | None = None

    def show(self, message: str, fraction: float, seconds_left: float | None = None) -> None:
        """Draw; a fraction of 0 prints the message as a line of its own.

        The time left is worked out from the pace so far where it is not given.
        """
        now = time.monotonic()
        if fraction <= 0:
            print(f"\r{message}\033[K" if sys.stderr.isatty() else message, file=sys.stderr)
            return
        if self._first is None:  # what was finished by an earlier call took no time now
            self._first, self._started = fraction, now
        wait = 0.2 if sys.stderr.isatty() else 30.0
        if now - self._shown < wait and fraction < 1:
            return
        self._shown = now
        left = self._left(fraction, now)
        if seconds_left is not None and fraction < 1:
            left = f", {duration(seconds_left)} left"
        bar = "#" * round(BAR * fraction)
        line = f"{self.title} [{bar:<{BAR}}] {fraction:4.0%}{left}  {message}"
        end = "\n" if fraction >= 1 or not sys.stderr.isatty() else ""
        print(f"\r{line}\033[K" if sys.stderr.isatty() else line, end=end, file=sys.stderr)

    def _left(self, fraction: float, now: float) -> str:
        done = fraction - (self._first or 0.0)
        if done <= 0 or fraction >= 1:
            return ""
        return f", {duration((1 - fraction) / done * (now - self._started))} left"
