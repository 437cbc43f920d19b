"""Polling sources: one pass over all that are due, with checkpoints, health and a report per source."""
