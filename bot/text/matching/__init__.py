"""Matching keywords against papers, and the candidate terms by which alerts are retrieved."""
