"""Trends: papers of a topic by month, and rising topics."""
