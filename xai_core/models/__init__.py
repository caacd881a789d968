"""Models: a classifier, where it comes from, and what explaining it needs."""
