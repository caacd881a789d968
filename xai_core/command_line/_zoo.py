"""Which methods support which of torchvision's architectures, as a table in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import nn

from xai_core import headline
from xai_core.models.classifier import Classifier
from xai_core.models.recognising import gigaflops_of, parameters_of
from xai_core.models.torchvision_networks import (
    architectures,
    build_network,
    check_architecture,
    default_form,
)

FAMILIES = (
    "alexnet", "convnext", "densenet", "efficientnet_b", "efficientnet_v2", "googlenet",
    "inception", "maxvit", "mnasnet", "mobilenet_v2", "mobilenet_v3", "regnet_x", "regnet_y",
    "resnet", "resnext", "shufflenet", "squeezenet", "swin", "swin_v2", "vgg", "vit",
    "wide_resnet",
)  # fmt: skip
"""How names begin; a family shares its code, its members differ in depth and width."""
MOST_PARAMETERS = 150_000_000
"""Of an architecture that is built here; larger ones are told by their family's others."""

Reasons = Mapping[str, str | None]


class Row(NamedTuple):
    """Architectures alike, the one or those built, and why each method does not fit (or None)."""

    names: tuple[str, ...]
    built: tuple[str, ...]
    stage: str
    reasons: Reasons


def family_of(architecture: str) -> str:
    """The longest beginning that is a family's, else the name itself."""
    return max(filter(architecture.startswith, FAMILIES), key=len, default=architecture)


def families() -> dict[str, list[str]]:
    """Family -> its architectures, the cheapest first."""
    found: dict[str, list[str]] = {}
    for name in sorted(architectures(), key=gigaflops_of):
        found.setdefault(family_of(name), []).append(name)
    return dict(sorted(found.items()))


def zoo(names: Sequence[str], progress: Callable[[str, float], None]) -> str:
    """The table of the cheapest of each family, of `names`, or of `all`; raises BadClassifier."""
    for name in names if list(names) != ["all"] else ():
        check_architecture(name)
    chosen = {family: _chosen(members, names) for family, members in families().items()}
    count, seen = sum(map(len, chosen.values())), list[str]()

    def show(name: str) -> None:
        progress(name, len(seen) / count)
        seen.append(name)

    rows = [rows_of(family, built, show) for family, built in chosen.items() if built]
    progress("done", 1.0)
    return table([row for several in rows for row in several])


def _chosen(members: Sequence[str], names: Sequence[str]) -> list[str]:
    if not names:
        return list(members[:1])
    if list(names) == ["all"]:
        return [name for name in members if parameters_of(name) <= MOST_PARAMETERS]
    return [name for name in members if name in names]


def rows_of(family: str, built: Sequence[str], progress: Callable[[str], None]) -> list[Row]:
    """The family in one row, or in several where those built differ in what they support."""
    members, alike = families()[family], dict[tuple[object, ...], list[str]]()
    told: dict[tuple[object, ...], tuple[str, Reasons]] = {}
    for name in built:
        progress(name)
        stage, reasons = looked_at(name)
        kind = (*((method, reason is None) for method, reason in reasons.items()),)
        alike.setdefault(kind, []).append(name)
        told.setdefault(kind, (stage, reasons))
    if len(alike) == 1:
        return [Row(tuple(members), tuple(built), *next(iter(told.values())))]
    return [Row(tuple(names), tuple(names), *told[kind]) for kind, names in alike.items()]


def looked_at(architecture: str) -> tuple[str, Reasons]:
    """The last stage and the reasons of an architecture with random weights, at its own size."""
    from xai_core.methods import METHODS
    from xai_core.methods._tokens import is_transformer

    form = default_form(architecture)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = settled(build_network(architecture, 10), form.shape)
    made = Classifier.of(network, tuple(map(str, range(10))), name=architecture, form=form)
    lies = made.layout_of().describe()
    stage = made.stage + (f" ({lies})" if lies != "NCHW" else "")
    if is_transformer(made):
        stage = "tokens before the last attention"
    return stage or "none", {name: method().unfit(made) for name, method in METHODS.items()}


def settled(network: nn.Module, shape: tuple[int, int, int]) -> nn.Module:
    """With batch norm's statistics of noise; else a deep random model gives next to nothing."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for module in norms:
        module.momentum = 1.0
    if norms:
        with torch.no_grad():
            network.train()(torch.randn(2, *shape))
    return network.eval()


def table(rows: Sequence[Row]) -> str:
    """A line for each row, a column for methods that fit alike, and the reasons below."""
    groups: dict[tuple[bool, ...], list[str]] = {}
    for method in rows[0].reasons:
        groups.setdefault(tuple(row.reasons[method] is None for row in rows), []).append(method)
    columns = sorted(groups.values(), key=lambda names: (-len(names), names))
    notes: dict[str, int] = {}
    lines = [
        f"| architectures | last stage | {' | '.join(map(heading, columns))} |",
        "|---" * (2 + len(columns)) + "|",
    ]
    for row in rows:
        cells = [_cell(row, names[0], notes) for names in columns]
        lines.append(f"| {_names(row)} | {row.stage} | {' | '.join(cells)} |")
    several = [names for names in columns if len(names) > 1]
    lines += ["", *(f"* {heading(names)}: {', '.join(sorted(names))}" for names in several), ""]
    return "\n".join([*lines, *(f"{number}. {note}" for note, number in notes.items())])


def heading(methods: Sequence[str]) -> str:
    """The best known of methods that fit alike, and how many more."""
    known = [*(name for name in headline.METHODS if name in methods), *methods]
    return f"`{known[0]}`" + (f" and {len(methods) - 1} more" if len(methods) > 1 else "")


def _names(row: Row) -> str:
    """All names, those that were built in bold."""
    return ", ".join(f"**{name}**" if name in row.built else name for name in row.names)


def _cell(row: Row, method: str, notes: dict[str, int]) -> str:
    reason = row.reasons[method]
    if reason is None:
        return "yes"
    said = reason.replace(row.built[0], "it").rstrip(".")
    return f"no ({notes.setdefault(f'{said[0].upper()}{said[1:]}.', len(notes) + 1)})"
