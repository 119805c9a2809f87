"""Bytes ⇄ named arrays, one codec a file."""
