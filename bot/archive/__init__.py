"""Digests and papers: formats, ingest, the merge of what sources say, and exports."""
