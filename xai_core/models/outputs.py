"""What a model's outputs mean: one class of several, several labels, or plain values."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

Outputs = Literal["softmax", "sigmoid", "none"]
OUTPUTS: tuple[Outputs, ...] = get_args(Outputs)
MEANINGS: dict[Outputs, str] = {
    "softmax": "one of the classes (softmax)",
    "sigmoid": "each label by itself (sigmoid)",
    "none": "values without probabilities (regression)",
}


def probabilities(logits: Tensor, outputs: Outputs) -> Tensor:
    """Logits (..., K) -> probabilities (..., K); plain values stay what they are."""
    if outputs == "softmax":
        return logits.softmax(dim=-1)
    return torch.sigmoid(logits) if outputs == "sigmoid" else logits


def guessed(count: int) -> Outputs:
    """What a model with `count` outputs means, where nothing is said."""
    return "sigmoid" if count == 1 else "softmax"


def named(categories: tuple[str, ...], count: int, outputs: Outputs) -> tuple[str, ...]:
    """The names of what the model answers; raises ValueError where their number is another.

    One logit read by a sigmoid has two: `not X` and `X`.
    """
    if count == 1 and outputs == "sigmoid" and len(categories) == 1:
        return (f"not {categories[0]}", categories[0])
    classes = 2 if count == 1 and outputs == "sigmoid" else count
    if len(categories) != classes:
        raise ValueError(
            f"the model has {count} outputs but {len(categories)} category names"
            + ("; one logit needs one name or two" if count == 1 else "")
        )
    return categories
