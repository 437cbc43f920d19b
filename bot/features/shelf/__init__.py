"""Saved papers: notes, tags, import and export."""
