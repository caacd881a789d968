"""`list`: what can be named: classifiers, methods, metrics and their settings."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from xai_core.command_line._choices import add_classifier, classifier_of
from xai_core.methods import Method
from xai_core.metrics import Metric
from xai_core.models.classifier import WAYS, Classifier
from xai_core.models.outputs import MEANINGS
from xai_core.recipe import Recipe


def add(commands: Any) -> None:
    parser = commands.add_parser("list", help="classifiers, methods, metrics", description=__doc__)
    parser.add_argument("--settings", action="store_true", help="with every setting and its range")
    parser.add_argument("--markdown", action="store_true", help="the tables of the README")
    add_classifier(parser, default="")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from xai_core.methods import METHODS
    from xai_core.metrics import METRICS
    from xai_core.models.loading import embedded_names

    if options.markdown:
        print(markdown_tables(METHODS, METRICS))
        return 0
    if options.classifier:
        print(support(classifier_of(options)))
        return 0
    print("classifiers:", ", ".join(embedded_names()), "or any torchvision model (resnet50)")
    _print_recipes("methods", METHODS, options.settings)
    _print_recipes("metrics", METRICS, options.settings)
    return 0


def support(classifier: Classifier) -> str:
    """What a model is, and which methods and metrics it supports or why not, line by line."""
    from xai_core.methods import METHODS
    from xai_core.metrics import METRICS

    channels, height, width = classifier.form.shape
    form = classifier.form
    stages = [f"{stage} ({classifier.layout_of(stage).describe()})" for stage in classifier.stages]
    reason = classifier.untraceable
    lines = [
        f"{classifier.name}: {len(classifier.categories)} outputs, "
        f"{MEANINGS[classifier.outputs]}: {', '.join(classifier.categories[:12])}",
        f"input: {channels} channels, {height} x {width} px, resize {form.resize}, "
        f"mean {form.mean}, std {form.std}",
        WAYS[classifier.way] + (f" ({reason})" if reason else ""),
        f"stages: {', '.join(stages) or 'none'}; CAM head: {'yes' if classifier.head else 'no'}",
    ]
    recipes: list[tuple[str, Mapping[str, Any]]] = [("methods", METHODS), ("metrics", METRICS)]
    for heading, kinds in recipes:
        lines += ["", f"{heading}:"]
        for name, kind in kinds.items():
            unfit = kind().unfit(classifier)
            lines.append(f"  {name}: {f'not supported: {unfit}' if unfit else 'supported'}")
    return "\n".join(lines)


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
