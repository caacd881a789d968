"""Headline: the methods and metrics that stand for all, declared once; read without torch."""

METHODS = ("cam", "secam", "grad_cam", "integrated_gradients", "lime")
"""What is compared where nobody chose."""
NULLS = ("random", "center_gaussian")
"""The null baselines without which no result says that a method knows anything."""
ALL_NULLS = ("random", "random[grain=cell]", "center_gaussian", "sobel", "uniform")
SHOWN = ("symmetric_relevance_gain", "single_deletion", "deletion", "insertion")
"""The metrics of one image's cards, and of an evaluation's first columns."""
EVALUATED = (*SHOWN, "relevance_mass", "pointing_game", "sparseness")
RANKED = ("symmetric_relevance_gain", "single_deletion")
"""What enters the headline rank: one metric for each way of taking pixels away.

Others share a curve or a mask with one of these, or are won by null baselines.
"""
TRUTH = "target_localisation"
"""The benchmark that tells most methods apart and whose null baselines' scores are known."""
