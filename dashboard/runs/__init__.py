"""Runs: stored results as tables and sentences, jobs that make new ones, what they cost."""
