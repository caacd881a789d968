"""The feature book holds what direct computation gives, and goes on where it was stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xai_core.evaluation.dataset import Dataset
from xai_core.evaluation.feature_book import load_feature_book, make_feature_book
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.models.feature_visualization import Channel, FeatureVisualization

RECIPE = FeatureVisualization(steps=2)


def test_most_used_channels_and_their_pictures(
    tiny_classifier: Classifier, dataset: Dataset, tmp_path: Path
) -> None:
    book = make_feature_book(tmp_path, tiny_classifier, dataset, RECIPE, 3)
    batch = Batch.of(tiny_classifier, [item.open() for item in dataset.items])
    means = batch.activations.mean(dim=(2, 3))
    head = tiny_classifier.head
    assert head is not None
    shares = (head.weight[batch.predicted] * means).abs().mean(dim=0)
    assert list(book.used) == shares.argsort(descending=True)[:3].tolist()
    for channel, share in book.used.items():
        assert share == pytest.approx(float(shares[channel]), abs=1e-5)
    for channel in range(means.shape[1]):
        best = int(means[:, channel].argmax())
        chosen = [item.name for item in dataset.items].index(book.examples(channel, 1)[0])
        assert float(means[chosen, channel]) == pytest.approx(float(means[best, channel]), abs=1e-6)


def test_drawings_are_those_of_the_recipe_and_kept(
    tiny_classifier: Classifier,
    dataset: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[int] = []
    synthesise: Callable[..., object] = FeatureVisualization.synthesise

    def counted(self: FeatureVisualization, classifier: Classifier, channel: Channel) -> object:
        made.append(channel.index)
        return synthesise(self, classifier, channel)

    monkeypatch.setattr(FeatureVisualization, "synthesise", counted)
    book = make_feature_book(tmp_path, tiny_classifier, dataset, RECIPE, 2)
    first = next(iter(book.used))
    expected = RECIPE.synthesise(tiny_classifier, Channel(first)).rgb.astype(int)
    drawn = book.drawing(first)
    assert drawn is not None
    assert np.abs(drawn.astype(int) - expected).mean() < 6  # JPEG
    made.clear()
    make_feature_book(tmp_path, tiny_classifier, dataset, RECIPE, 3)
    assert len(made) == 1  # two are kept
    other = make_feature_book(tmp_path, tiny_classifier, dataset, FeatureVisualization(steps=3), 2)
    assert len(made) == 3  # other settings: drawn again
    assert load_feature_book(tmp_path) == other
    unused = next(index for index in range(16) if index not in other.used)
    assert other.drawing(unused) is None


def test_a_network_without_a_cam_head_is_refused(
    tiny_classifier: Classifier, dataset: Dataset, tmp_path: Path
) -> None:
    assert load_feature_book(tmp_path) is None
    headless = replace(tiny_classifier, head=None)
    with pytest.raises(ValueError, match="no CAM head"):
        make_feature_book(tmp_path, headless, dataset, RECIPE, 1)
    assert load_feature_book(tmp_path) is None
