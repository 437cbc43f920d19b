"""Alerts: saved queries that notify their owners of new papers."""
