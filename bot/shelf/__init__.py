"""Saved papers: notes, tags, import, export, and their news."""
