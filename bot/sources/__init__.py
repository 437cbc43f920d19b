"""Sources of digests and papers: fetching, polling, kinds of sources, and look-ups of single papers."""
