"""Trends: papers of a topic per month, and rising topics."""
