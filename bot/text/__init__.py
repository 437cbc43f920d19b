"""Pure text analysis for search, alerts and authors: Korean and Latin scripts. No I/O."""
