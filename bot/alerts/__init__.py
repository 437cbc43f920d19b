"""Alerts: rules, matching of new papers, and their messages."""
