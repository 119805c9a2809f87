"""The metrics, one idea a file."""
