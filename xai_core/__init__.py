"""Explain, score and compare: the whole pipeline in five lines.

>>> classifier = load_classifier("orchard")                                  # a frozen network
>>> batch = Batch.of(classifier, [open_image("data/orchard/apple_1_00.jpg")])  # images, once
>>> maps = METHODS["secam"]().attribute(batch, batch.predicted[:, None])     # (N, 1, H, W)
>>> case = Case(batch, batch.predicted, maps[:, 0], METHODS["secam"]())      # what a metric sees
>>> scores = METRICS["single_deletion"]().score(case)                        # (N,) one per image
"""

from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
"""The project's `data` folder: shipped images, networks and results."""
