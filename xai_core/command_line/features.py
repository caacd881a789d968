"""`features`: draw a model's most used channels, and list the images that excite each."""

from __future__ import annotations

import argparse
from typing import Any

from xai_core import DATA
from xai_core.command_line._choices import add_classifier, classifier_of
from xai_core.command_line._paths import here
from xai_core.command_line._progress import ProgressLine
from xai_core.command_line._reading import add_reading, dataset_of
from xai_core.evaluation.allocator import keep_blocks
from xai_core.evaluation.feature_book import make_feature_book
from xai_core.models.feature_visualization import FeatureVisualization


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "features", help="draw the most used channels", description=__doc__
    )
    parser.add_argument("--dataset", default="orchard", help="orchard, or a folder of images")
    add_classifier(parser)
    add_reading(parser)
    parser.add_argument("--channels", type=int, default=24, metavar="N", help="how many are drawn")
    parser.add_argument(
        "--set", action="append", default=[], metavar="SETTING=VALUE",
        help="change one setting: " + ", ".join(FeatureVisualization.declared()),
    )  # fmt: skip
    parser.add_argument("--run-dir", type=here, default=DATA / "runs" / "shipped")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    if options.channels < 1:
        raise ValueError(f"--channels must be at least 1, got {options.channels}")
    keep_blocks()
    settings = dict(text.partition("=")[::2] for text in options.set)
    recipe = FeatureVisualization.from_text(**settings)
    classifier = classifier_of(options)
    dataset = dataset_of(options, classifier)
    line = ProgressLine("features")
    book = make_feature_book(
        options.run_dir, classifier, dataset, recipe, options.channels, line.show
    )
    print(f"wrote {len(book.used)} channels to {book.folder}")
    return 0
