"""What is said of a map that is not there yet."""

import numpy as np
import pytest
from compute.desk import Desk
from compute.questions import Answer, Maps, Prediction, Question
from frame import waiting
from state import choices  # noqa: F401  (its module must load before the session is used)

from tests.app.at_once import AtOnce
from xai_core.images.reading import Photo

PHOTO = Photo("p", np.zeros((4, 4, 3), np.uint8), "p")


def question(method: str, *targets: int) -> Maps:
    return Maps("orchard", "p", "whole", PHOTO, method, targets or (0,))


@pytest.mark.parametrize(
    ("method", "done", "asked", "speed", "place", "said"),
    [
        ("lime", 240, 500, 0.1, 0, "240 of 500 samples, about 26 s"),
        ("lime[samples=100]", 50, 100, 0.02, 0, "50 of 100 samples, about 1 s"),
        ("integrated_gradients", 75, 150, 0.1, 0, "25 of 50 steps, about 8 s"),
        ("ablation_cam", 512, 2049, None, 0, "512 of 2,049 forward passes"),
        ("lime", None, 500, 0.1, 0, "next: 500 samples, about 50 s"),
        ("lime", None, 500, None, 2, "third in order: 500 samples"),
        ("lime", None, 500, None, 6, "number 7 in order: 500 samples"),
        ("lime", 600, 500, 0.1, 0, "500 of 500 samples"),
    ],
)
def test_sentences(
    method: str, done: float | None, asked: float, speed: float | None, place: int, said: str
) -> None:
    assert waiting.says(method, done, asked, speed, place) == said


def test_the_one_at_work_tells_the_speed_and_the_others_their_order() -> None:
    maps = [question(name, 0, 1) for name in ("cam", "integrated_gradients", "lime", "rise")]
    known: dict[Question, Answer] = {maps[0]: Answer(seconds=1.0)}
    passes = {"cam": 1.0, "integrated_gradients": 150.0, "lime": 500.0, "rise": 1000.0}

    def progress(asked: Question) -> tuple[int, float] | None:
        return (50, 15.0) if asked == maps[1] else None

    assert waiting.texts(maps, known, passes, progress) == {
        # two classes: 300 passes, of which 50 forward ones count as 150; 0.1 s each
        "integrated_gradients": "25 of 50 steps, about 15 s",
        "lime": "next: 500 samples, about 50 s",
        "rise": "second in order: 1,000 samples, about 100 s",
    }


def test_the_desk_tells_how_far_the_question_at_work_is(photos: list[Photo]) -> None:
    desk = Desk(AtOnce())
    about = ("orchard", photos[0].sha256, "whole", photos[0])
    asked = Maps(*about, "lime[samples=200]", (0,))  # type: ignore[arg-type]
    desk.ask("a", [Prediction(*about)], patience=60)  # type: ignore[arg-type]
    seen = [0]
    while asked not in desk.ask("a", [asked], patience=0.02):
        now = desk.progress(asked)
        seen.append(now[0] if now else seen[-1])
    assert seen == sorted(seen)
    assert 0 < seen[-1] <= 201  # and one to know the class
    assert desk.progress(asked) is None
