"""Score-CAM: feature maps weighted by the score of the image seen through them."""

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
from xai_core.methods.base import Diagnostics, enlarged
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.recipe import setting


@dataclass(frozen=True)
class ScoreCAM(StageMethod):
    """Feature maps weighted by the class score of the image seen through them.

    L_c = sum_k softmax_k(logit_c(x * H_k)) f_k, where H_k is feature map f_k scaled to 0..1 and
    enlarged to the image x. The `channels` that vary most are used, which is said in
    `channels_used`; the paper uses all of them and a ReLU.
    """

    title = "Score-CAM"
    reference = "Wang et al., CVPR Workshops 2020, arXiv 1910.01279"
    family = "CAM"
    formula = (
        r"L_c = \sum_k \mathrm{softmax}_k\left(z_c(x \odot H_k)\right) f_k,\quad "
        r"H_k = \mathrm{up}\left(\frac{f_k - \min f_k}{\max f_k - \min f_k}\right)"
    )
    caveat = (
        "Weights come from a softmax over the channels and are all positive, so it hardly depends "
        "on the class where the scores of the masked images are close together."
    )
    signed = False
    channels: int = setting(
        128, "channels used, those that vary most first; 0 for all of them", low=0, high=4096
    )
    batch_size: int = setting(8, "masked images at a time", low=1, high=256, changes_result=False)

    def passes(self, classifier: Classifier) -> float:
        return 1 + used_channels(classifier, self.stage, self.channels)

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        activations, _ = stage_and_rest(batch, self.stage)
        chosen = [liveliest(image, self.channels) for image in activations]

        def explain(index: int, classes: Tensor) -> Tensor:
            image, maps = batch.images[index], activations[index, chosen[index]]
            low, high = maps.amin(dim=(1, 2), keepdim=True), maps.amax(dim=(1, 2), keepdim=True)
            spread = torch.where(high > low, high - low, 1)
            windows = enlarged(((maps - low) / spread)[:, None], image.shape[1], image.shape[2])
            with torch.no_grad():
                logits = [
                    batch.classifier.logits(window * image)
                    for window in torch.split(windows, self.batch_size)
                ]
            weights = torch.cat(logits)[:, classes].softmax(dim=0)
            return weighted_sum(weights.T[None], maps[None])[0]

        used = torch.tensor([float(len(channels)) for channels in chosen])
        diagnostics["channels_used"] = used.to(targets.device)[:, None].expand(targets.shape)
        return each_image(batch, targets, explain)
