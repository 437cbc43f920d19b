"""Measures the quality of search results with our own queries on an archive of digests."""
