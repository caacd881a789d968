"""Guide: what each method and metric computes, costs, and when it misleads."""
