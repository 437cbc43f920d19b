"""Sources of digests and of papers: fetching, the kinds of source, polling, and the look-up of one paper."""
