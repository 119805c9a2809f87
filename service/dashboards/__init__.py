"""Streams as dashboards read them: Prometheus, Grafana's JSON data source, flat tables."""
