"""Compute: questions to the worker and what is known now."""
