"""Metrics where no library says the number: by hand."""
