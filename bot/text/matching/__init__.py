"""Matching keywords against papers, and the alert terms by which alerts are retrieved."""
