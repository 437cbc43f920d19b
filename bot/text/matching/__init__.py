"""Matching keywords against papers, and the candidate terms by which an alert is looked up."""
