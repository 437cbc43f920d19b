"""Composition root: builds every long-lived object, starts the background tasks and closes them in reverse order."""
