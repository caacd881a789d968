"""Options that say how images and masks are read, and what was noticed while looking for them."""

from __future__ import annotations

import argparse
import math
import sys

from xai_core.evaluation.dataset import Dataset, Reading, load_dataset
from xai_core.evaluation.masks import MaskValue
from xai_core.images.grey_window import Window
from xai_core.models.classifier import Classifier


def add_window(parser: argparse.ArgumentParser) -> None:
    """--window, for grey values beyond 8 bits."""
    parser.add_argument(
        "--window", nargs=2, type=float, metavar=("LOW", "HIGH"),
        help="grey values of more than 8 bits shown as black and white; default: the bits used, "
        "or percentiles",
    )  # fmt: skip


def add_reading(parser: argparse.ArgumentParser) -> None:
    """--window and --mask-value."""
    add_window(parser)
    parser.add_argument(
        "--mask-value", default="", metavar="VALUES",
        help="values of a mask that are the object, e.g. 1 or 1,3 or 128-255; default: what is "
        "not 0 in masks of two values",
    )  # fmt: skip


def window_of(options: argparse.Namespace) -> Window | None:
    """The window asked for; raises ValueError for an empty one."""
    if options.window is None:
        return None
    low, high = options.window
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"--window {low:g} {high:g}: LOW must be below HIGH")
    return low, high


def dataset_of(options: argparse.Namespace, classifier: Classifier) -> Dataset:
    """The data set named; what was noticed while looking for it goes to the terminal."""
    value = MaskValue.parse(options.mask_value) if options.mask_value else None
    reading = Reading(window_of(options), value)
    dataset = load_dataset(options.dataset, classifier.categories, reading)
    for note in dataset.notes:
        print(note, file=sys.stderr)
    return dataset
