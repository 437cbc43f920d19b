"""Digests and papers as files: newsletter, review, JSON, CSV and BibTeX."""
