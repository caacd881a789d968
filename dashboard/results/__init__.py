"""Results: which method is best, how curves run, whether methods agree, sanity checks."""
