"""Trends (a topic's papers by month) and rising topics."""
