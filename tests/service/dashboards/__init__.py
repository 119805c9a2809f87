"""Streams as dashboards read them."""
