"""The desk: answers once, tells errors in a sentence, serves sessions in turn, drops the closed."""

import threading
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from compute import desk as desks
from compute import workplace as workplaces
from compute.desk import LOST, LOST_TWICE, Desk
from compute.questions import Answer, ImageScores, Maps, Prediction, Question
from compute.workers import UnreachableError
from compute.workplace import PhotoMissingError, Workplace

from tests.app.at_once import AtOnce, Dies
from xai_core.images.reading import Photo
from xai_core.methods import METHODS
from xai_core.metrics import METRICS, Case
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.models.interruption import checkpoint

DONE: list[str] = []


@dataclass(frozen=True)
class Fake(Question):
    name: str = ""
    seconds: float = 0.0
    error: str = ""

    def compute(self, workplace: Workplace) -> Any:
        time.sleep(self.seconds)
        DONE.append(self.name)
        if self.error:
            raise ValueError(self.error)
        return self.name


def fake(photo: Photo, name: str, **about: Any) -> Fake:
    return Fake("network", photo.sha256, "whole", photo, name, **about)


def wait(desk: Desk, session: str, questions: list[Question]) -> dict[Question, Answer]:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        known = desk.ask(session, questions)
        if len(known) == len(questions):
            return known
        time.sleep(0.01)
    raise TimeoutError


def test_equal_questions_are_answered_once(photos: list[Photo]) -> None:
    DONE.clear()
    desk = Desk(AtOnce())
    question = fake(photos[0], "once")
    assert wait(desk, "a", [question])[question].value == "once"
    assert wait(desk, "b", [fake(photos[0], "once")])
    assert DONE == ["once"]


def test_an_error_is_an_answer_in_one_sentence(photos: list[Photo]) -> None:
    question = fake(photos[0], "bad", error="this is wrong\nwith a long trace")
    assert wait(Desk(AtOnce()), "a", [question])[question].error == "this is wrong"


def test_a_fault_of_ours_is_told_and_the_work_goes_on(photos: list[Photo]) -> None:
    class Broken(Fake):
        def compute(self, workplace: Workplace) -> Any:
            raise KeyError("absent")

    desk = Desk(AtOnce())
    broken = Broken("network", photos[0].sha256, "whole", photos[0], "broken")
    after = fake(photos[0], "after")
    known = wait(desk, "a", [broken, after])
    assert known[broken].error == "KeyError: 'absent'; the log tells where"
    assert known[after].value == "after"


def test_sessions_take_turns(photos: list[Photo]) -> None:
    DONE.clear()
    desk = Desk(AtOnce())
    first = [fake(photos[0], f"a{n}", seconds=0.02) for n in range(4)]
    second = [fake(photos[1], f"b{n}", seconds=0.02) for n in range(2)]
    desk.ask("a", first)
    desk.ask("b", second)
    wait(desk, "a", list(first))
    wait(desk, "b", list(second))
    assert DONE.index("b1") < DONE.index("a3")


def test_what_nobody_asks_for_any_more_is_dropped(photos: list[Photo]) -> None:
    DONE.clear()
    desk = Desk(AtOnce())
    desk.ask("a", [fake(photos[0], "kept", seconds=0.1), fake(photos[0], "dropped")])
    time.sleep(0.03)
    desk.ask("a", [fake(photos[0], "kept", seconds=0.1)])
    wait(desk, "a", [fake(photos[0], "kept", seconds=0.1)])
    time.sleep(0.1)
    assert "dropped" not in DONE


def long(photo: Photo, begun: threading.Event) -> Question:
    """Something of 2000 passes that says when it has begun."""

    @dataclass(frozen=True)
    class Long(Fake):
        def compute(self, workplace: Workplace) -> Any:
            begun.set()
            for _ in range(2000):
                checkpoint()
                time.sleep(0.01)
            return self.name

    return Long("network", photo.sha256, "whole", photo, "long")


def test_work_that_nobody_wants_any_more_ends_at_its_next_pass(photos: list[Photo]) -> None:
    DONE.clear()
    begun = threading.Event()
    desk = Desk(AtOnce())
    slow = long(photos[0], begun)
    soon = fake(photos[1], "soon")
    desk.ask("a", [slow])
    desk.ask("b", [slow])
    assert begun.wait(20)
    desk.ask("a", [slow, soon])  # still wanted by both
    desk.ask("a", [soon])
    assert desk.ask("a", [soon], patience=0.3) == {}  # b still wants it
    other = fake(photos[1], "other")
    assert desk.ask("b", [other], patience=20)[other].value == "other"
    assert desk.ask("a", [soon], patience=20)[soon].value == "soon"
    begun.clear()
    desk.ask("a", [slow])  # begins anew when somebody asks again
    assert begun.wait(20)
    desk.ask("a", [fake(photos[1], "last")])


def test_what_a_closed_page_waited_for_ends(photos: list[Photo]) -> None:
    DONE.clear()
    begun, open_pages = threading.Event(), {"a", "b"}
    desk = Desk(AtOnce(), lambda session: session in open_pages)
    desk.ask("a", [long(photos[0], begun), fake(photos[0], "left")])
    assert begun.wait(20)
    soon = fake(photos[1], "soon")
    desk.ask("b", [soon])
    assert desk.ask("b", [soon], patience=0.3) == {}
    open_pages.remove("a")
    assert desk.ask("b", [soon], patience=20)[soon].value == "soon"
    time.sleep(0.2)
    assert "left" not in DONE


def test_a_hidden_page_stands_back_for_one_that_is_looked_at(
    photos: list[Photo], monkeypatch: pytest.MonkeyPatch
) -> None:
    DONE.clear()
    monkeypatch.setattr(desks, "LOOKED_AT_SECONDS", 0.3)
    desk = Desk(AtOnce())
    left = [fake(photos[0], f"left{n}", seconds=0.1) for n in range(8)]
    desk.ask("hidden", left)
    time.sleep(0.35)  # three of eight are done
    seen = [fake(photos[1], f"seen{n}", seconds=0.05) for n in range(3)]
    wait(desk, "open", list(seen))
    behind = [name for name in DONE[: DONE.index("seen2")] if name.startswith("left")]
    assert 1 <= len(behind) <= 5
    until = time.monotonic() + 20
    while "left7" not in DONE and time.monotonic() < until:
        time.sleep(0.05)
    behind = [name for name in DONE if name.startswith("left")]  # one stood back, and came again
    assert list(dict.fromkeys(behind)) == [q.name for q in left]


def test_asking_never_waits_for_the_work(photos: list[Photo]) -> None:
    desk = Desk(AtOnce())
    begin = time.perf_counter()
    desk.ask("a", [fake(photos[0], "slow", seconds=0.5)])
    assert time.perf_counter() - begin < 0.2


def test_with_patience_what_comes_soon_is_known(photos: list[Photo]) -> None:
    desk = Desk(AtOnce())
    soon, late = fake(photos[0], "soon", seconds=0.02), fake(photos[0], "late", seconds=2)
    begin = time.perf_counter()
    assert desk.ask("a", [soon], patience=30)[soon].value == "soon"
    assert set(desk.ask("a", [soon, late], patience=0.1)) == {soon}
    assert time.perf_counter() - begin < 2


@dataclass(frozen=True)
class Deadly(Fake):
    """Ends the worker as often as it is asked, up to `times`."""

    times: int = 1

    def compute(self, workplace: Workplace) -> Any:
        DONE.append(self.name)
        if DONE.count(self.name) <= self.times:
            raise Dies
        time.sleep(self.seconds)
        return self.name


def deadly(photo: Photo, name: str, times: int, seconds: float = 0.0) -> Deadly:
    return Deadly("network", photo.sha256, "whole", photo, name, seconds, times=times)


def test_what_a_dead_worker_had_is_asked_once_more_and_said_so(photos: list[Photo]) -> None:
    DONE.clear()
    desk = Desk(AtOnce())
    question, other = deadly(photos[0], "again", 1, seconds=1), fake(photos[1], "other")
    desk.ask("mine ", [question])
    until = time.monotonic() + 20
    while not desk.notice("mine ") and time.monotonic() < until:
        time.sleep(0.01)
    assert desk.notice("mine ") == LOST
    assert desk.ask("theirs ", [other], patience=20)[other].value == "other"
    assert desk.notice("theirs ") == ""
    assert wait(desk, "mine ", [question])[question].value == "again"
    assert desk.notice("mine ") == ""
    assert DONE.count("again") == 2


def test_a_question_that_ends_two_workers_is_not_asked_a_third_time(
    photos: list[Photo], monkeypatch: pytest.MonkeyPatch
) -> None:
    DONE.clear()
    desk = Desk(AtOnce())
    question = deadly(photos[0], "deadly", 2)
    assert wait(desk, "a", [question])[question] == Answer(error=LOST_TWICE)
    time.sleep(0.1)
    assert DONE == ["deadly", "deadly"]
    assert desk.notice("a") == ""
    monkeypatch.setattr(desks, "RETRY_SECONDS", 0.0)  # asked again later, it has a new chance
    assert wait(desk, "a", [question])[question].value == "deadly"


def test_without_a_worker_the_reason_is_the_answer(photos: list[Photo]) -> None:
    class Nobody(AtOnce):
        def start(self) -> int:
            raise UnreachableError("nobody is there")

        def begin(self, *about: Any) -> Any:
            raise UnreachableError("nobody is there")

    question = fake(photos[0], "once")
    assert wait(Desk(Nobody()), "a", [question])[question].error == "nobody is there"


@dataclass(frozen=True)
class Looking(Fake):
    """The mean of its photo, which the workplace has kept."""

    def compute(self, workplace: Workplace) -> Any:
        if self.sha256 not in workplace._photos:
            raise PhotoMissingError
        return float(workplace._photos[self.sha256].rgb.mean())


def test_a_photo_is_sent_once_and_again_where_it_is_missing(photos: list[Photo]) -> None:
    engine = AtOnce()
    desk = Desk(engine)
    asked = [
        Looking("network", photos[0].sha256, "whole", photos[0], name) for name in ("a", "b", "c")
    ]
    expected = photos[0].rgb.mean()
    for question in asked[:2]:
        assert wait(desk, "a", [question])[question].value == pytest.approx(expected)
    assert [bool(sent.photo.sha256) for (sent,) in engine.tasks] == [True, False]
    engine.workplace = Workplace()  # another worker
    assert wait(desk, "a", asked[2:])[asked[2]].value == pytest.approx(expected)
    assert [bool(sent.photo.sha256) for (sent,) in engine.tasks[2:]] == [False, True]


def names(engine: AtOnce) -> list[list[str]]:
    return [[question.name for question in task] for task in engine.tasks]  # type: ignore[attr-defined]


def test_quick_questions_of_an_image_go_together(
    photos: list[Photo], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workplaces, "TOGETHER_SECONDS", 60.0)
    engine = AtOnce()
    quick = [fake(photos[0], name, is_quick=True) for name in "abc"]
    other = fake(photos[1], "other", is_quick=True)
    long = [fake(photos[1], name) for name in ("long", "longer")]
    asked: list[Question] = [*quick, other, *long]
    answers = wait(Desk(engine), "a", asked)
    assert [answers[question].value for question in asked] == ["a", "b", "c", *[
        question.name for question in (other, *long)]]  # fmt: skip
    assert names(engine) == [["a", "b", "c"], ["other"], ["long"], ["longer"]]
    assert [bool(question.photo.sha256) for question in engine.tasks[0]] == [True, False, False]


def test_what_is_answered_does_not_wait_for_those_that_went_along(photos: list[Photo]) -> None:
    engine = AtOnce()
    desk = Desk(engine)
    quick = [fake(photos[0], name, seconds=seconds, is_quick=True)
             for name, seconds in (("first", 0.1), ("second", 0.1))]  # fmt: skip
    assert len(wait(desk, "a", list(quick))) == 2
    assert names(engine) == [["first", "second"], ["second"]]


def test_how_far_it_is_is_known_of_what_is_at_work_by_itself(photos: list[Photo]) -> None:
    begun, goes_on = threading.Event(), threading.Event()

    @dataclass(frozen=True)
    class Held(Fake):
        def compute(self, workplace: Workplace) -> Any:
            begun.set()
            return goes_on.wait(20)

    def held(name: str, **about: Any) -> Held:
        return Held("network", photos[0].sha256, "whole", photos[0], name, **about)

    desk = Desk(AtOnce())
    together = [held(name, is_quick=True) for name in "ab"]
    desk.ask("a", list(together))
    assert begun.wait(20)
    assert [desk.progress(question) for question in together] == [None, None]
    goes_on.set()
    wait(desk, "a", list(together))
    begun.clear()
    goes_on.clear()
    alone = held("alone")
    desk.ask("a", [alone])
    assert begun.wait(20)
    until = time.monotonic() + 20  # the desk notes it in a thread of its own
    while desk.progress(alone) is None and time.monotonic() < until:
        time.sleep(0.01)
    passes, seconds = desk.progress(alone) or (-1, -1.0)
    assert passes == 0
    assert seconds >= 0
    goes_on.set()


def test_a_question_that_ends_a_worker_takes_none_along_again(photos: list[Photo]) -> None:
    DONE.clear()
    engine = AtOnce()
    about = ("network", photos[0].sha256, "whole", photos[0])
    bad = Deadly(*about, "bad", times=2, is_quick=True)
    good = fake(photos[0], "good", is_quick=True)
    answers = wait(Desk(engine), "a", [bad, good])
    assert answers == {bad: Answer(error=LOST_TWICE), good: answers[good]}
    assert answers[good].value == "good"
    assert names(engine) == [["bad", "good"], ["bad"], ["good"]]


def test_many_hands_work_at_the_same_time(photos: list[Photo]) -> None:
    together = threading.Barrier(3, timeout=20)

    @dataclass(frozen=True)
    class Meeting(Fake):
        def compute(self, workplace: Workplace) -> Any:
            return together.wait() >= 0

    desk = Desk(AtOnce(hands=3))
    asked = [Meeting("network", photos[0].sha256, "whole", photos[0], f"{n}") for n in range(3)]
    assert [answer.value for answer in wait(desk, "a", list(asked)).values()] == [True] * 3


@pytest.fixture
def workplace(tiny_classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    import xai_core.models.loading

    monkeypatch.setattr(
        xai_core.models.loading, "load_classifier", lambda name, **about: tiny_classifier
    )
    return Workplace()


def test_maps_and_scores_are_the_cores_own(
    workplace: Workplace, tiny_classifier: Classifier, photos: list[Photo]
) -> None:
    about = ("tiny", photos[0].sha256, "whole", photos[0])
    told = workplace.answer_from(Prediction(*about), {}).value
    batch = Batch.of(tiny_classifier, [photos[0]])
    np.testing.assert_allclose(told["probabilities"], batch.probabilities[0].numpy(), rtol=1e-5)
    targets = tuple(batch.top(2)[0].tolist())
    maps = workplace.answer_from(Maps(*about, "secam[segments=12]", targets), {}).value["maps"]
    method = METHODS["secam"](segments=12)
    ours = method.attribute(batch, batch.top(2)).half()
    np.testing.assert_array_equal(maps, ours[0].numpy())
    asked = ImageScores(*about, "secam[segments=12]", targets, targets[1], ("single_deletion",))
    case = Case(batch, batch.top(2)[:, 1], ours[:, 1].float(), method)
    score = float(METRICS["single_deletion"]().score(case).values[0])
    expected = {"single_deletion": pytest.approx(score, abs=1e-5)}
    assert workplace.answer_from(asked, {}).value == expected
    (needed,) = asked.needs()
    given = {needed: Answer({"maps": maps, "notes": {}})}
    assert workplace.answer_from(asked, given).value == expected
    assert workplace.answer_from(asked, {needed: Answer(error="no map")}).error == "no map"
