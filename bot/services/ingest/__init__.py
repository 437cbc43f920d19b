"""Ingest: from a text to digests, entries, merged papers and the search index, each digest in one transaction."""
