"""Sources of digests and papers: fetching, polling, kinds of sources, and lookups of single papers."""
