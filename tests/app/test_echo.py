"""Whether other images repeat what a run shows, on small tables where the answer is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from xai_core.findings.echo import Echo, echo, echo_says, superpixels_say
from xai_core.findings.superpixel_wording import BLIND, FAITHFUL, Answer

MANIFEST = {"dataset": "photos", "classifier": {"name": "imagenet"}}


def scored(images: int = 30, **means: float) -> pd.DataFrame:
    """Images x methods around these means; noise is too small to change an order."""
    noise = np.random.default_rng(0)
    return pd.DataFrame({m: mean + noise.normal(0, 0.01, images) for m, mean in means.items()})


def test_pairs_told_apart_in_both_runs_are_counted_by_their_direction() -> None:
    here = scored(a=0.1, b=0.5, c=0.9, only_here=0.7)
    there = scored(images=20, a=0.5, b=0.1, c=0.9, only_there=0.2)
    assert echo(here, there, True) == Echo(told=3, confirmed=2, contradicted=1, images=20)
    assert echo(here, there, False) == Echo(told=3, confirmed=2, contradicted=1, images=20)


def test_a_pair_that_is_open_in_either_run_confirms_nothing() -> None:
    same = scored(a=0.5)["a"]
    here = pd.DataFrame({"a": same, "b": same + 0.1, "c": same})
    there = pd.DataFrame({"a": same, "b": same, "c": same - 0.1})
    assert echo(here, there, True) == Echo(told=2, confirmed=1, contradicted=0, images=30)


@pytest.mark.parametrize("there", [scored(images=9, a=0.1, b=0.5), scored(a=0.1, c=0.5)])
def test_too_few_images_or_methods_say_nothing(there: pd.DataFrame) -> None:
    assert echo(scored(a=0.1, b=0.5), there, True) is None
    assert echo_says(None, "deletion", MANIFEST) == ""


def test_the_sentence_names_the_other_run_and_both_counts() -> None:
    assert echo_says(Echo(3, 2, 1, 20), "insertion", MANIFEST) == (
        "Of 3 pairs of methods told apart here in insertion, photos (model imagenet, n = 20 "
        "images) shows 2 the same way and 1 the other way round."
    )
    assert echo_says(Echo(0, 0, 0, 20), "insertion", MANIFEST) == ""


def answer(**sides: int | None) -> Answer:
    """An answer whose metrics have these sides; None: not informative."""
    rows = [
        {"metric": m, "title": m.title(), "side": side or 0,
         "group": BLIND if side is None else FAITHFUL}
        for m, side in sides.items()
    ]  # fmt: skip
    return Answer(["finding", "advice"], pd.DataFrame(rows))


def test_cam_or_secam_on_both_kinds_of_images() -> None:
    first = answer(deletion=1, insertion=-1, road=1, irof=0, infidelity=0, blind=1, here=1)
    second = answer(deletion=1, insertion=-1, road=-1, irof=1, infidelity=0, blind=None, there=1)
    assert superpixels_say(first, second) == [
        "finding",
        "Taken together: SeCAM is better in deletion; CAM is better in insertion; they contradict "
        "each other in road; only one of the two data sets shows a difference in irof; neither "
        "data set shows a difference in infidelity.",
    ]
    assert superpixels_say(answer(blind=None), second)[1] == "No metric is informative on both."
    assert superpixels_say(Answer(["none"], pd.DataFrame()), second) == []
