"""Streams over HTTP, on every store."""
