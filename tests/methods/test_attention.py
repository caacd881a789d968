"""Attention of vision transformers and of feature maps, against the papers' products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from xai_core.methods._stage import stage_and_rest
from xai_core.methods._tokens import attention_and_logits, embedded, token_stage
from xai_core.methods.activation_attention import ActivationAttention
from xai_core.methods.attention_rollout import AttentionRollout
from xai_core.methods.grad_cam import GradCAM
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier

MakeBatch = Callable[[Classifier], Batch]


@pytest.fixture
def batch(transformer_classifier: Classifier, tiny_batch: MakeBatch) -> Batch:
    return tiny_batch(transformer_classifier)


def test_the_network_taken_apart_gives_its_own_logits(batch: Batch) -> None:
    network: Any = batch.classifier.network
    with torch.no_grad():
        attentions, logits = attention_and_logits(network, batch.images)
        grid, rest = token_stage(batch)
        again = rest(grid, torch.arange(4))
    assert torch.allclose(logits, batch.logits, atol=1e-5)
    assert torch.allclose(again, batch.logits, atol=1e-5)
    assert grid.shape == (4, 16, 4, 4)
    first: Any = batch.classifier.network.encoder.layers[0]
    with torch.no_grad():
        tokens = first.ln_1(embedded(network, batch.images))
        theirs = first.self_attention(tokens, tokens, tokens, average_attn_weights=False)[1]
    assert torch.allclose(attentions[0], theirs, atol=1e-5)
    for attention in attentions:
        assert attention.shape == (4, 2, 17, 17)
        assert torch.allclose(attention.sum(dim=-1), torch.ones(1), atol=1e-5)


def test_rollout_is_the_product_of_the_layers(batch: Batch) -> None:
    maps = AttentionRollout()._maps(batch, batch.top(1), {})
    with torch.no_grad():
        attentions, _ = attention_and_logits(batch.classifier.network, batch.images)
    for index in range(4):
        product = torch.eye(17)
        for attention in attentions:  # the first layer acts first
            product = (attention[index].mean(dim=0) + torch.eye(17)) / 2 @ product
        assert torch.allclose(product.sum(dim=1), torch.ones(1), atol=1e-5)
        assert torch.allclose(maps[index, 0].flatten(), product[0, 1:], atol=1e-6)


def test_rollout_with_gradients_follows_chefer(batch: Batch) -> None:
    targets = batch.top(2)
    maps = AttentionRollout(gradients=True)._maps(batch, targets, {})
    assert not torch.allclose(maps[:, 0], maps[:, 1])
    image = batch.images[1:2].clone().requires_grad_()
    attentions, logits = attention_and_logits(batch.classifier.network, image)
    slopes = torch.autograd.grad(logits[0, int(targets[1, 0])], attentions)
    relevance = torch.eye(17)
    for attention, slope in zip(attentions, slopes, strict=True):
        relevance = relevance + (attention * slope).relu().mean(dim=1)[0].detach() @ relevance
    assert torch.allclose(maps[1, 0].flatten(), relevance[0, 1:], atol=1e-5)


def test_grad_cam_of_a_transformer_weighs_its_tokens(batch: Batch) -> None:
    targets = batch.top(2)
    maps = GradCAM()._maps(batch, targets, {})
    grid, rest = token_stage(batch)
    start = grid.detach().requires_grad_()
    scores = rest(start, torch.arange(4)).gather(1, targets)
    (gradient,) = torch.autograd.grad(scores[:, 1].sum(), start)
    slow = torch.zeros(4, 4, 4)
    for channel in range(16):
        slow += gradient[:, channel].mean(dim=(1, 2))[:, None, None] * grid[:, channel]
    assert maps.shape == (4, 2, 4, 4)
    assert torch.allclose(maps[:, 1], slow.detach(), atol=1e-5)


@pytest.mark.parametrize("power", [1.0, 2.0, 4.0])
def test_activation_attention_sums_powers(
    tiny_classifier: Classifier, tiny_batch: MakeBatch, power: float
) -> None:
    batch = tiny_batch(tiny_classifier)
    maps = ActivationAttention(power=power)._maps(batch, batch.top(1), {})
    slow = sum((batch.activations[:, k].abs() ** power for k in range(16)), Tensor([0.0]))
    assert torch.allclose(maps[:, 0], slow, rtol=1e-5)


def test_a_stage_of_a_transformer_by_name_is_its_own_grid(batch: Batch) -> None:
    grid, _ = stage_and_rest(batch, "conv_proj")
    assert torch.allclose(grid, batch.classifier.network.conv_proj(batch.images), atol=1e-6)


def test_a_cnn_has_no_attention_to_roll_out(tiny_classifier: Classifier) -> None:
    reason = AttentionRollout().unfit(tiny_classifier)
    assert reason is not None
    assert "tiny is no vision transformer" in reason
    assert "activation_attention" in reason
