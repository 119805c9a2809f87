"""The losses, one idea a file."""
