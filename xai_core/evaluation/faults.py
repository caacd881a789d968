"""Faults: what fails on one image is that image's, with a reason, and never the run's end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from xai_core.methods.base import Method
from xai_core.metrics.base import Case, Metric, Scores
from xai_core.models.batch import Batch

OF_THE_MACHINE = (OSError, MemoryError, torch.OutOfMemoryError, torch.AcceleratorError)
"""Not the image's fault: these end the run, so that nothing is noted for good."""


def part_of_batch(batch: Batch, index: Sequence[int]) -> Batch:
    """A batch of some images, computed as the whole one is."""
    part = Batch(batch.classifier, batch.images[list(index)], [batch.sha256s[i] for i in index])
    part.forward_size, part.precision = batch.forward_size, batch.precision
    return part


def part_of_case(case: Case, index: Sequence[int]) -> Case:
    """The case of some of its images."""
    chosen = list(index)
    return Case(
        part_of_batch(case.batch, index),
        case.targets[chosen],
        case.maps[chosen],
        case.method,
        None if case.masks is None else case.masks[chosen],
        None if case.shots is None else tuple(case.shots[i] for i in index),
    )


def attributed(method: Method, batch: Batch, targets: Tensor) -> tuple[Tensor, tuple[str, ...]]:
    """Maps (N, H, W) for targets (N,), and why an image has none ("" where it has one).

    Images are explained one by one where they cannot be together.
    """
    try:
        return method.attribute(batch, targets[:, None])[:, 0], ("",) * len(batch)
    except OF_THE_MACHINE:
        raise
    except Exception as error:
        if len(batch) == 1:
            return torch.zeros_like(batch.images[:, 0]), (_reason(method, error),)
    parts = [
        attributed(method, part_of_batch(batch, [i]), targets[i : i + 1]) for i in range(len(batch))
    ]
    return torch.cat([maps for maps, _ in parts]), tuple(why for _, whys in parts for why in whys)


def scored(metric: Metric, case: Case) -> Scores:
    """The scores of each image, one by one where they cannot be together."""
    try:
        return metric.score(case)
    except OF_THE_MACHINE:
        raise
    except Exception as error:
        if len(case.batch) == 1:
            return undefined((_reason(metric, error),))
    alone = [scored(metric, part_of_case(case, [i])) for i in range(len(case.batch))]
    return joined(alone)


def undefined(reasons: tuple[str, ...]) -> Scores:
    """No score for any image, and why."""
    return Scores(torch.full((len(reasons),), torch.nan), reasons)


def joined(parts: Sequence[Scores]) -> Scores:
    """Scores of single images as those of all; curves have NaN where an image has no point."""
    names = dict.fromkeys(name for part in parts for name in part.curves)
    curves = {name: _stacked([p.curves.get(name) for p in parts]) for name in names}
    fractions = [None if p.fractions is None else p.fractions.reshape(1, -1) for p in parts]
    removed = [None if p.removed is None else p.removed[:, None] for p in parts]
    has_removed = any(part is not None for part in removed)
    return Scores(
        torch.cat([part.values.cpu() for part in parts]),
        tuple(reason for part in parts for reason in part.reasons),
        curves,
        _stacked(fractions, repeats=True) if curves else None,
        _stacked(removed)[:, 0] if has_removed else None,
    )


def spread(scores: Scores, index: Sequence[int], reasons: tuple[str, ...]) -> Scores:
    """Scores of the images at `index` among all, whose `reasons` say why others have none."""
    chosen, total, told = list(index), len(reasons), list(reasons)

    def among_all(values: Tensor) -> Tensor:
        whole = values.new_full((total, *values.shape[1:]), torch.nan)
        whole[chosen] = values
        return whole

    for place, reason in zip(chosen, scores.reasons, strict=True):
        told[place] = reason
    fractions, removed = scores.fractions, scores.removed
    if fractions is not None and fractions.ndim > 1:
        fractions = among_all(fractions)
    return replace(
        scores,
        values=among_all(scores.values),
        reasons=tuple(told),
        curves={name: among_all(values) for name, values in scores.curves.items()},
        fractions=fractions,
        removed=None if removed is None else among_all(removed),
    )


def _stacked(rows: Sequence[Tensor | None], *, repeats: bool = False) -> Tensor:
    """Rows (1, P) of any length as one (N, longest): NaN after the end of each, or its last."""
    longest = max(row.shape[1] for row in rows if row is not None)
    whole = torch.full((len(rows), longest), torch.nan)
    for place, row in enumerate(rows):
        if row is not None:
            whole[place] = row[0, -1].cpu() if repeats else torch.nan
            whole[place, : row.shape[1]] = row[0].cpu()
    return whole


def _reason(recipe: Method | Metric, error: Exception) -> str:
    said = str(error).strip().partition("\n")[0]
    if isinstance(error, ArithmeticError) and said:
        return said
    return f"{recipe.title} fails on this image: {said or type(error).__name__}"
