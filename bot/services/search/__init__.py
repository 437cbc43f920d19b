"""Parses and expands queries, retrieves and scores candidates, completes input and finds authors. See docs/search.md."""
