"""`gallery`: store maps and scores of a dozen images, so that a page can show them at once."""

from __future__ import annotations

import argparse
from typing import Any

from xai_core import DATA, headline
from xai_core.catalog import configure
from xai_core.command_line._choices import (
    METHODS,
    add_classifier,
    add_settings,
    check_settings,
    classifier_of,
    fitting,
)
from xai_core.command_line._paths import here
from xai_core.command_line._reading import add_reading, dataset_of
from xai_core.command_line.evaluate import EVALUATED_METHODS
from xai_core.evaluation.allocator import keep_blocks
from xai_core.evaluation.contrast import CONTROLS
from xai_core.evaluation.gallery import make_gallery
from xai_core.metrics import METRICS

METHODS_SHOWN = (*EVALUATED_METHODS, "secam[resolution=feature]", *CONTROLS)
"""What the pages compare and cam_vs_secam open with."""
SHIPPED = DATA / "runs" / "shipped"
METRICS_SHOWN = (*headline.SHOWN, "relevance_mass", "pointing_game")


def add(commands: Any) -> None:
    parser = commands.add_parser("gallery", help="store the first view", description=__doc__)
    parser.add_argument("--dataset", default="orchard", help="orchard, or a folder of images")
    add_classifier(parser)
    add_reading(parser)
    parser.add_argument("--methods", nargs="+", default=list(METHODS_SHOWN), metavar="METHOD")
    parser.add_argument("--metrics", nargs="+", default=list(METRICS_SHOWN), metavar="METRIC")
    parser.add_argument("--names", nargs="*", default=[], help="of the images; else a selection")
    parser.add_argument(
        "--run-dir", type=here, default=SHIPPED, help="run folder that it belongs to"
    )
    add_settings(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    keep_blocks()
    check_settings(options.set, METHODS, METRICS)
    classifier = classifier_of(options)
    methods = fitting(configure(options.methods, METHODS, options.set), classifier)
    metrics = configure(options.metrics, METRICS, options.set)
    dataset = dataset_of(options, classifier)
    make_gallery(options.run_dir, classifier, dataset, methods, metrics, names=options.names)
    print(f"wrote {options.run_dir / 'gallery'}")
    return 0
