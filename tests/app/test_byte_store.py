"""Caches are bounded in bytes, and what a session brought leaves with it."""

from __future__ import annotations

import io
import pickle
import threading
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import torch
from compute.desk import Desk
from compute.questions import Prediction
from PIL import Image
from runs import keeping
from runs.keeping import kept
from state import uploads
from state.byte_store import ByteStore, bytes_of
from state.uploads import Upload

from tests.app.at_once import AtOnce
from tests.app.test_desk import wait
from xai_core.images.reading import BadImage, open_image
from xai_core.models.classifier import Classifier


def drawn(seed: int, side: int = 64) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    saved = io.BytesIO()
    Image.fromarray(pixels).save(saved, "PNG")
    return saved.getvalue()


@pytest.mark.parametrize(
    ("value", "held"),
    [
        (np.zeros((100, 100)), 80_000),
        ({"maps": np.zeros(5_000, np.float16), "notes": {"r2": [0.5]}}, 10_000),
        (torch.zeros(10, 1000), 40_000),
        (torch.nn.Linear(1000, 10), 40_040),
        ([b"x" * 9_000, "y" * 9_000], 18_000),
        (pd.DataFrame({"a": np.zeros(4_000)}), 32_000),
    ],
)
def test_bytes_are_those_of_the_arrays_inside(value: object, held: int) -> None:
    assert held <= bytes_of(value) <= held + 6_000


def test_an_array_in_two_places_is_held_once() -> None:
    array = np.zeros(10_000)
    assert bytes_of([array, array]) < 1.1 * array.nbytes


def test_a_value_that_leads_back_to_itself_is_weighed() -> None:
    ring: list[object] = [b"x" * 1000]
    ring.append(ring)
    for _ in range(50_000):  # deeper than Python calls itself
        ring = [ring]
    assert bytes_of(ring) > 1000


def test_the_least_used_leave_when_the_bytes_are_full() -> None:
    store: ByteStore[str, bytes] = ByteStore(10, len)
    for name in "abc":
        store.put(name, b"123")
    assert store["a"] == b"123"
    store.put("d", b"123")
    assert ("a" in store, "b" in store, store.total) == (True, False, 9)
    store.put("huge", b"x" * 99)  # what was just made is needed now
    assert (len(store), store.total) == (1, 99)
    store.put("a", b"1")
    assert (len(store), store.total) == (1, 1)


def test_what_has_grown_is_weighed_anew() -> None:
    store: ByteStore[str, list[bytes]] = ByteStore(10, lambda value: sum(map(len, value)))
    grows = [b"123"]
    store.put("first", [b"1234"])
    store.put("grows", grows)
    grows.append(b"12345")
    store.put("grows", grows)
    assert ("first" in store, store.total) == (False, 8)


def test_equal_questions_at_once_are_computed_once() -> None:
    store: ByteStore[str, int] = ByteStore(1000)
    made: list[int] = []

    def make() -> int:
        time.sleep(0.05)
        made.append(1)
        return 7

    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(store.made("a", make))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (found, made) == ([7] * 8, [1])


def test_what_fails_is_tried_again() -> None:
    store: ByteStore[str, int] = ByteStore(1000)
    with pytest.raises(ZeroDivisionError):
        store.made("a", lambda: 1 // 0)
    assert store.made("a", lambda: 5) == 5


def test_kept_looks_at_arguments_by_meaning_and_forgets_by_image() -> None:
    made: list[tuple[int, str]] = []

    @kept
    def work(_photo: object, sha256: str, key: tuple[object, ...], *, size: int = 3) -> int:
        made.append((size, sha256))
        return len(made)

    assert work("x", "one", ("a",)) == work("y", "one", key=("a",), size=3) == 1
    assert work("x", "one", ("a",), size=4) == 2
    assert work("x", "two", ("a", ("one",))) == 3
    assert work("x", "two", ("a",)) == 4
    keeping.forget({"one"})  # also where it stands deep in a key
    assert work("x", "two", ("a",)) == 4
    assert work("x", "two", ("a", ("one",))) == 5


def test_an_upload_is_its_file_and_shows_the_same_pixels() -> None:
    content = drawn(0, 400)
    upload, photo = Upload(content, "mine.png"), open_image(content, "mine.png")
    uploads.forget({photo.sha256})
    sent = pickle.loads(pickle.dumps(upload))
    for one in (upload, sent):
        assert (one.name, one.sha256, one.note) == (photo.name, photo.sha256, photo.note)
        np.testing.assert_array_equal(one.rgb, photo.rgb)
    assert len(pickle.dumps(upload)) < len(content) + 500
    bad = Upload(b"nothing", "not.png")  # what computes may have it before it is read here
    for look in (bad.read, lambda: bad.rgb):
        with pytest.raises(BadImage, match=r"not\.png: not an image"):
            look()


def test_an_upload_that_was_read_has_its_note() -> None:
    file = io.BytesIO()
    Image.fromarray(np.linspace(0, 1000, 64 * 64).astype(np.uint16).reshape(64, 64)).save(
        file, "PNG"
    )
    upload = Upload(file.getvalue(), "deep.png")
    upload.read()
    assert upload.note == open_image(file.getvalue(), "deep.png").note != ""


@pytest.fixture
def engine(tiny_classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> AtOnce:
    import xai_core.models.loading

    monkeypatch.setattr(
        xai_core.models.loading, "load_classifier", lambda name, **about: tiny_classifier
    )
    return AtOnce()


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not is_so() and time.monotonic() < end:
        time.sleep(0.02)
    assert is_so()


def test_what_a_session_brought_leaves_with_it_and_nothing_else(engine: AtOnce) -> None:
    open_pages, told = {"a", "b"}, []
    desk = Desk(engine, lambda session: session in open_pages, told.append)
    photos = {name: Upload(drawn(seed), f"{name}.png") for seed, name in enumerate("abs")}
    asked = {
        name: Prediction("tiny", photo.sha256, "whole", photo) for name, photo in photos.items()
    }
    desk.brought("a", [photos["a"].sha256])
    desk.brought("b", [photos["a"].sha256, photos["b"].sha256])  # both have the first
    for question in asked.values():
        wait(desk, "a", [question])
    here = engine.workplace
    open_pages.remove("b")
    until(lambda: asked["b"] not in desk._answers)
    until(lambda: photos["b"].sha256 not in here._photos)
    assert asked["a"] in desk._answers
    open_pages.remove("a")
    until(lambda: asked["a"] not in desk._answers)
    until(lambda: photos["a"].sha256 not in here._photos)
    assert asked["s"] in desk._answers  # a sample is nobody's own
    assert photos["s"].sha256 in here._photos
    assert [key[1] for key in here._batches._values] == [photos["s"].sha256]
    assert told == [{photos["b"].sha256}, {photos["a"].sha256}]


def test_answers_of_many_sessions_stay_within_their_bytes(
    engine: AtOnce, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(engine)
    desk._answers = ByteStore(20_000)
    for seed in range(40):
        photo = Upload(drawn(seed), "x.png")
        wait(desk, f"{seed}", [Prediction("tiny", photo.sha256, "whole", photo)])
    assert desk._answers.total <= 20_000
    assert 2 <= len(desk._answers) < 40
