"""`list`: what can be named: classifiers, methods, metrics and their settings."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xai_core.command_line._choices import add_classifier, classifier_of
from xai_core.command_line._progress import ProgressLine
from xai_core.command_line._zoo import zoo
from xai_core.files import write_whole
from xai_core.methods import Method
from xai_core.metrics import Metric
from xai_core.models.classifier import Classifier
from xai_core.models.sources import describing
from xai_core.recipe import Recipe


def add(commands: Any) -> None:
    parser = commands.add_parser("list", help="classifiers, methods, metrics", description=__doc__)
    parser.add_argument("--settings", action="store_true", help="with every setting and its range")
    parser.add_argument(
        "--markdown", nargs="?", const="-", metavar="FILE",
        help="the tables of the README; with FILE they are written into it, between its marks "
        "<!-- tables --> and <!-- /tables -->",
    )  # fmt: skip
    parser.add_argument(
        "--zoo", nargs="*", metavar="NAME",
        help="torchvision's architectures by method, with random weights: the cheapest of each "
        "family, those named, or all; with --markdown FILE between <!-- zoo --> and <!-- /zoo -->",
    )  # fmt: skip
    add_classifier(parser, default="")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from xai_core.methods import METHODS
    from xai_core.metrics import METRICS
    from xai_core.models.sources.embedded import embedded_names

    if options.zoo is not None:
        line = ProgressLine("looking at")
        _give(zoo(options.zoo, line.show), options.markdown, "zoo")
        return 0
    if options.markdown:
        _give(markdown_tables(METHODS, METRICS), options.markdown, "tables")
        return 0
    if options.classifier:
        print(support(classifier_of(options)))
        return 0
    print("classifiers:", ", ".join(embedded_names()), "or any torchvision model (resnet50)")
    _print_recipes("methods", METHODS, options.settings)
    _print_recipes("metrics", METRICS, options.settings)
    return 0


def _give(tables: str, file: str | None, mark: str) -> None:
    """Into a Markdown file where one is named, else onto the terminal."""
    if file and file != "-":
        write_whole(Path(file), with_tables(Path(file), tables, mark))
    else:
        print(tables)


def support(classifier: Classifier) -> str:
    """What a model is, and which methods and metrics it supports or why not, line by line."""
    from xai_core.methods import METHODS
    from xai_core.metrics import METRICS

    lines = [f"{heading}: {words}" for heading, words in describing.of(classifier).rows]
    recipes: list[tuple[str, Mapping[str, Any]]] = [("methods", METHODS), ("metrics", METRICS)]
    for heading, kinds in recipes:
        lines += ["", f"{heading}:"]
        for name, kind in kinds.items():
            unfit = kind().unfit(classifier)
            lines.append(f"  {name}: {f'not supported: {unfit}' if unfit else 'supported'}")
    return "\n".join(lines)


def with_tables(file: Path, tables: str, mark: str = "tables") -> bytes:
    """A Markdown file's content with these tables between its marks; ValueError without either."""
    if not file.is_file():
        raise ValueError(f"{file}: no such file")
    before, start, rest = file.read_text(encoding="utf-8").partition(f"<!-- {mark} -->")
    _, end, after = rest.partition(f"<!-- /{mark} -->")
    if not end:
        raise ValueError(f"{file} lacks the marks <!-- {mark} --> and <!-- /{mark} -->")
    return f"{before}{start}\n\n{tables}\n\n{end}{after}".encode()


def markdown_tables(
    methods: Mapping[str, type[Method]], metrics: Mapping[str, type[Metric]]
) -> str:
    """The README's tables of methods and metrics."""
    lines = [
        "| method | title | family | maps | backed by | reference |",
        "|---|---|---|---|---|---|",
    ]
    for name, method in methods.items():
        sign = "signed" if method.signed else "unsigned"
        about = sign if method.class_sensitive else f"{sign}, same for every class"
        link = f"[`{name}`](xai_core/methods/{name}.py)"
        lines.append(
            f"| {link} | {method.title} | {method.family} | {about} | {method.backed_by} "
            f"| {method.reference} |"
        )
    lines += ["", "## Metrics", "", "| metric | title | kind | better | reference |"]
    lines += ["|---|---|---|---|---|"]
    better = {True: "higher", False: "lower", None: "-"}
    for name, metric in metrics.items():
        link = f"[`{name}`](xai_core/metrics/{name}.py)"
        lines.append(
            f"| {link} | {metric.title} | {metric.kind} | {better[metric.higher_is_better]} "
            f"| {metric.reference} |"
        )
    return "\n".join(lines)


def _print_recipes(heading: str, recipes: Mapping[str, type[Recipe]], settings: bool) -> None:
    print(f"\n{heading}:")
    width = max(map(len, recipes), default=0)
    for name, recipe in recipes.items():
        print(f"  {name:<{width}}  {recipe.title} ({recipe.reference})")
        for key, rule in recipe.declared().items() if settings else ():
            print(f"  {'':<{width}}    {key}={rule.default}: {rule.help}; must {rule.rule()}")
