"""Alerts: creating them, matching new papers against them (a percolator), and planning the notifications."""
