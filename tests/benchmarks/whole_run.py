"""A whole run over the forward passes it needs, both measured in the same minutes.

    python tests/benchmarks/whole_run.py

Five methods by five metrics on images of the embedded world: superpixels, files and tables are
included. A machine's speed drifts by more than what is looked for, so after each method on eight
images the run stops for forward passes alone: of the model as it is and of the quick copy of it
that passes without gradients use, each on the batch (of 8, 16 or 32, channels_last, inference mode)
on which it was fastest before the run began. Their time is taken from the run's. Printed are the
run's time over (its passes x the mean of the model's), and over the same of the quick copy's.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from xai_core.evaluation.allocator import keep_blocks

keep_blocks()  # before the first tensor

import torch  # noqa: E402
from evaluate import seconds_of  # noqa: E402
from torch import Tensor  # noqa: E402

from xai_core.evaluation.dataset import load_orchard_dataset  # noqa: E402
from xai_core.evaluation.plan import make_plan  # noqa: E402
from xai_core.evaluation.run import run_evaluation  # noqa: E402
from xai_core.methods import METHODS  # noqa: E402
from xai_core.metrics import METRICS  # noqa: E402
from xai_core.models.classifier import Classifier  # noqa: E402
from xai_core.models.loading import load_classifier  # noqa: E402

CHOSEN_METHODS = ("cam", "secam", "grad_cam", "hires_cam", "layer_cam")
CHOSEN_METRICS = ("deletion", "insertion", "single_deletion", "average_drop", "road")


class BarePasses:
    """Forward passes of one network, timed again and again while a run goes on."""

    def __init__(self, side: int, forward: Callable[[Tensor], Tensor]) -> None:
        self._forward = forward
        batches = [
            torch.rand(size, 3, side, side).contiguous(memory_format=torch.channels_last)
            for size in (8, 16, 32)
        ]
        self._batch = min(batches, key=lambda batch: min(self._seconds(batch) for _ in range(5)))
        self.times: list[float] = []

    def _seconds(self, batch: Tensor) -> float:
        """Of an image, in a pass that finds caches as another pass left them."""
        with torch.inference_mode():
            self._forward(batch)
            return seconds_of(partial(self._forward, batch)) / len(batch)

    def take(self) -> None:
        self.times.append(self._seconds(self._batch))

    @property
    def mean(self) -> float:
        return sum(self.times) / len(self.times)


class Pauses:
    """What a run calls after each piece: makes bare passes, and knows how long they took."""

    def __init__(self, *passes: BarePasses) -> None:
        self._passes, self.seconds = passes, 0.0

    def __call__(self, _: object) -> None:
        self.seconds += sum(seconds_of(one.take) for one in self._passes)


def report(classifier: Classifier, images: int, folder: Path) -> None:
    dataset = load_orchard_dataset(classifier.categories)
    recipes = [METHODS[m]() for m in CHOSEN_METHODS], [METRICS[m]() for m in CHOSEN_METRICS]
    side = classifier.form.size
    model, copy = BarePasses(side, classifier.network), BarePasses(side, classifier.logits)
    pauses = Pauses(model, copy)
    passes = make_plan(folder, classifier, dataset, *recipes, limit=images).passes_left
    work = partial(run_evaluation, folder, classifier, dataset, *recipes, limit=images)
    seconds = seconds_of(partial(work, progress=pauses)) - pauses.seconds
    print(
        f"{classifier.name}, {images} images, {len(CHOSEN_METHODS)} methods by "
        f"{len(CHOSEN_METRICS)} metrics: {seconds:.1f} s for {passes:,.0f} passes\n"
        f"the model {model.mean * 1000:.2f} ms an image, its quick copy {copy.mean * 1000:.2f} ms "
        f"(means of {len(model.times)})\n"
        f"{seconds / (passes * model.mean):.3f} of the model's passes, "
        f"{seconds / (passes * copy.mean):.3f} of the copy's",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--classifier", default="orchard")
    parser.add_argument("--images", type=int, default=48)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    classifier = load_classifier(chosen.classifier)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(chosen.repeats):
            report(classifier, chosen.images, Path(folder) / str(number))


if __name__ == "__main__":
    main()
