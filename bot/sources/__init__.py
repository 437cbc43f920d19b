"""Sources of digests and papers: fetching, polling, the kinds of sources, and look-ups of single papers."""
