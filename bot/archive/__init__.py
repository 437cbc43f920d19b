"""Digests and papers: parsing, ingest, merging of sources, and export."""
