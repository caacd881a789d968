"""Ablation-CAM: feature maps weighted by the score lost without them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from xai_core.methods._gradients import each_image
from xai_core.methods._stage import (
    StageMethod,
    liveliest,
    stage_and_rest,
    used_channels,
    weighted_sum,
)
from xai_core.methods.base import Diagnostics
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.recipe import setting


@dataclass(frozen=True)
class AblationCAM(StageMethod):
    """Feature maps weighted by what the class score loses without them.

    L_c = sum_k (logit_c - logit_c without f_k) f_k, where channel f_k is set to 0. Only the part
    of the model behind the stage runs again for every channel.
    """

    title = "Ablation-CAM"
    reference = "Desai and Ramaswamy, WACV 2020"
    family = "CAM"
    formula = r"L_c = \sum_k \left(z_c - z_c^{(k)}\right) f_k"
    caveat = (
        "Channels are switched off one by one, so channels that stand in for each other all look "
        "unimportant."
    )
    signed = True
    channels: int = setting(
        0, "channels used, those that vary most first; 0 for all of them", low=0, high=4096
    )
    batch_size: int = setting(32, "channels at a time", low=1, high=256, changes_result=False)

    def passes(self, classifier: Classifier) -> float:
        return 1 + used_channels(classifier, self.stage, self.channels)

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        activations, rest = stage_and_rest(batch, self.stage)
        chosen = [liveliest(image, self.channels) for image in activations]

        def explain(index: int, classes: Tensor) -> Tensor:
            losses = []
            with torch.no_grad():
                start = activations[index : index + 1]
                score = rest(start.clone(), torch.tensor([index]))[0, classes]
                for channels in torch.split(chosen[index], self.batch_size):
                    ablated = start.repeat(len(channels), 1, 1, 1)
                    ablated[torch.arange(len(channels)), channels] = 0
                    logits = rest(ablated, torch.tensor([index] * len(channels)))
                    losses.append(score - logits[:, classes])
            # The paper divides by the score, which turns the map over where it is negative.
            return weighted_sum(torch.cat(losses).T[None], start[:, chosen[index]])[0]

        used = torch.tensor([float(len(channels)) for channels in chosen])
        diagnostics["channels_used"] = used.to(targets.device)[:, None].expand(targets.shape)
        return each_image(batch, targets, explain)
