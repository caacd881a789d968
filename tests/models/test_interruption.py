"""A computation that is over ends at its next pass and leaves nothing behind."""

import threading

import numpy as np
import pytest
import torch

from tests.conftest import TinyNetwork, seeded
from xai_core.images.reading import InputFormat, Photo
from xai_core.methods import METHODS
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.models.interruption import Interrupted, interruptible

MANY_PASSES = {
    "ablation_cam": 1,  # all channels of the tiny model in one call
    "integrated_gradients": 3,
    "lime": 3,
    "lrp": 1,
    "occlusion": 3,
    "rise": 3,
    "score_cam": 1,
}


@pytest.mark.parametrize(("name", "calls"), MANY_PASSES.items())
def test_it_ends_at_the_next_pass_and_starts_again_as_if_nothing_had_been(
    tiny_classifier: Classifier, photos: list[Photo], name: str, calls: int
) -> None:
    method = METHODS[name]()
    batch = Batch.of(tiny_classifier, [photos[0]])
    target = batch.top(1)
    asked: list[None] = []

    def is_over() -> bool:
        asked.append(None)
        return len(asked) == calls

    with pytest.raises(Interrupted), interruptible(is_over):
        method.attribute(batch, target)
    assert len(asked) == calls
    again = method.attribute(batch, target)
    fresh = method.attribute(Batch.of(tiny_classifier, [photos[0]]), target)
    np.testing.assert_array_equal(again.numpy(), fresh.numpy())


def test_making_a_rewritten_copy_ends_at_any_step(photos: list[Photo]) -> None:
    network = seeded(TinyNetwork)
    form = InputFormat(size=64, resize=72)
    classifier = Classifier.of(network, tuple("abcde"), form=form)
    method, batch = METHODS["lrp"](), Batch.of(classifier, [photos[0]])
    target, steps = batch.top(1), 0
    while True:
        left = steps

        def is_over() -> bool:
            nonlocal left
            left -= 1
            return left < 0

        try:
            with interruptible(is_over):
                maps = method.attribute(batch, target)
            break
        except Interrupted:
            steps += 1
    assert steps > 20
    fresh = Classifier.of(seeded(TinyNetwork), tuple("abcde"), form=form)
    expected = method.attribute(Batch.of(fresh, [photos[0]]), target)
    np.testing.assert_array_equal(maps.numpy(), expected.numpy())


def test_only_its_own_thread_is_interrupted(tiny_classifier: Classifier) -> None:
    images = torch.zeros(1, 3, tiny_classifier.form.size, tiny_classifier.form.size)
    found: list[torch.Tensor] = []
    with interruptible(lambda: True):
        thread = threading.Thread(target=lambda: found.append(tiny_classifier.logits(images)))
        thread.start()
        thread.join()
        with pytest.raises(Interrupted):
            tiny_classifier.logits(images)
    torch.testing.assert_close(tiny_classifier.logits(images), found[0])
