"""What fewer steps change in the areas of deletion and insertion, against RISE's 224.

    python tests/benchmarks/steps.py --images 8

Per method: the mean area over images at each number of steps, and how far single images are from
their area at 224 steps (mean and largest).
"""

from __future__ import annotations

import argparse

from xai_core.evaluation.allocator import keep_blocks

keep_blocks()  # before the first tensor

import torch  # noqa: E402

from xai_core.catalog import configure  # noqa: E402
from xai_core.evaluation.dataset import load_orchard_dataset  # noqa: E402
from xai_core.methods import METHODS  # noqa: E402
from xai_core.metrics import METRICS, Case  # noqa: E402
from xai_core.models.batch import Batch  # noqa: E402
from xai_core.models.loading import load_classifier  # noqa: E402

EXACT, FEWER = 224, (112, 56, 28, 14, 7)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--classifier", default="orchard")
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--methods", nargs="+", default=["cam", "secam", "random", "saliency"])
    chosen = parser.parse_args()
    classifier = load_classifier(chosen.classifier)
    items = load_orchard_dataset(classifier.categories).items
    every = max(1, len(items) // chosen.images)
    batch = Batch.of(classifier, [item.open() for item in items[::every][: chosen.images]])
    print(f"{len(batch)} images, {classifier.name}; mean area, mean and largest error of an image")
    for method in configure(chosen.methods, METHODS):
        maps = method.attribute(batch, batch.predicted[:, None])[:, 0]
        for name in ("deletion", "insertion"):
            scores = METRICS[name](steps=EXACT).score(Case(batch, batch.predicted, maps, method))
            (values,) = scores.curves.values()
            fractions = scores.fractions
            exact = torch.trapezoid(values, fractions, dim=1)
            cells = [f"{EXACT}: {float(exact.mean()):.4f}"]
            for steps in FEWER:
                every = EXACT // steps
                area = torch.trapezoid(values[:, ::every], fractions[::every], dim=1)
                error = (area - exact).abs()
                cells.append(
                    f"{steps}: {float(area.mean()):.4f} ({float(error.mean()):.4f}, "
                    f"{float(error.max()):.4f})"
                )
            print(f"{method.label():12} {name:10} " + "  ".join(cells), flush=True)


if __name__ == "__main__":
    main()
