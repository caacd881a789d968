"""Ground truth: who finds the evidence that is known to matter?"""
