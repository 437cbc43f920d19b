"""Storing digests: raw text to digests, entries, merged papers and the search index, one transaction a digest."""
