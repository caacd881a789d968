"""Vision transformers of torchvision: their tokens as a grid, and their attention."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.models.vision_transformer import VisionTransformer

from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier


def is_transformer(classifier: Classifier) -> bool:
    """Whether the model is torchvision's vision transformer."""
    network = classifier.network
    is_plain = type(network).forward is VisionTransformer.forward
    return isinstance(network, VisionTransformer) and is_plain


def token_stage(batch: Batch) -> tuple[Tensor, Callable[[Tensor, Tensor], Tensor]]:
    """The normalised tokens that enter the last attention, as a grid (N, C, h, w), and the rest.

    `rest(grid (B, C, h, w), index (B,))` gives the logits (B, K). Behind the last attention only
    the class token counts, so later tokens would have no gradient.
    """
    network: Any = batch.classifier.network
    with torch.no_grad():
        tokens = embedded(network, batch.images)
        for block in network.encoder.layers[:-1]:
            tokens = block(tokens)
        entering = network.encoder.layers[-1].ln_1(tokens)

    def rest(grid: Tensor, index: Tensor) -> Tensor:
        changed = torch.cat([entering[index, :1], grid.flatten(2).transpose(1, 2)], dim=1)
        return classified(network, attended(network.encoder.layers[-1], tokens[index], changed)[0])

    side = batch.classifier.form.size // network.patch_size
    grid = entering[:, 1:].transpose(1, 2).reshape(len(batch), -1, side, side)
    return grid, rest


def embedded(network: Any, images: Tensor) -> Tensor:
    """Images (N, 3, H, W) -> the class token and the patches with their positions (N, S, C)."""
    patches = network.conv_proj(images).flatten(2).transpose(1, 2)
    start = network.class_token.expand(len(images), -1, -1)
    tokens: Tensor = torch.cat([start, patches], dim=1) + network.encoder.pos_embedding
    return tokens


def attended(block: Any, tokens: Tensor, normed: Tensor) -> tuple[Tensor, Tensor]:
    """One block on tokens (N, S, C): the tokens behind it and its attention (N, heads, S, S)."""
    layer = block.self_attention
    parts = functional.linear(normed, layer.in_proj_weight, layer.in_proj_bias)
    heads = torch.unflatten(parts, 2, (3, layer.num_heads, -1))
    queries, keys, values = heads.transpose(1, 3).unbind(2)
    # PyTorch's own layer returns a copy of the attention that gradients do not reach.
    attention = (queries @ keys.transpose(2, 3) / keys.shape[3] ** 0.5).softmax(dim=3)
    mixed = layer.out_proj((attention @ values).transpose(1, 2).flatten(2))
    tokens = tokens + mixed
    return tokens + block.mlp(block.ln_2(tokens)), attention


def classified(network: Any, tokens: Tensor) -> Tensor:
    """Tokens (N, S, C) behind the last block -> logits (N, K), from the class token alone."""
    logits: Tensor = network.heads(network.encoder.ln(tokens)[:, 0])
    return logits


def attention_and_logits(network: Any, images: Tensor) -> tuple[list[Tensor], Tensor]:
    """The attention (N, heads, S, S) of every block and the logits (N, K)."""
    tokens, attentions = embedded(network, images), []
    for block in network.encoder.layers:
        tokens, attention = attended(block, tokens, block.ln_1(tokens))
        attentions.append(attention)
    return attentions, classified(network, tokens)
