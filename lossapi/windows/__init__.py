"""What a stream holds of its rows: all, the last ones, or all at a weight that fades."""
