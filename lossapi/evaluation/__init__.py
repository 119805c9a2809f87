"""Many losses and metrics of the same rows: one pass over shared states, then slices, intervals and comparisons."""
