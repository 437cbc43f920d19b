"""Composition root: builds the long-lived objects, starts the background tasks and closes them in reverse order."""
