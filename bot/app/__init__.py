"""Composition root: build the long-lived objects, start background tasks, and close in reverse order."""
