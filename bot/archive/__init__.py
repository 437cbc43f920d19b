"""Digests and papers: formats, ingest, merging of sources, and exports."""
