"""Evaluate: my images, my model, my choice of methods."""
