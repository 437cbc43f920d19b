"""Parses and expands queries, retrieves and scores candidates, completes input, finds authors, and maintains the index. See
docs/search.md.
"""
