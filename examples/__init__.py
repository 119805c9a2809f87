"""Calls from several languages; `make examples` runs them against a server."""
