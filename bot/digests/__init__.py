"""Digest texts to records: pure, no I/O. Begin at `parse`; one module a format. Nothing heavy is imported."""
