"""Ground truth: benchmarks whose answer is known from the drawn world."""
