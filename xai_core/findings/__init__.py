"""Findings: what a run says, as tables and as sentences that follow from tests; no torch."""
