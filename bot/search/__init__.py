"""Search: queries, the engine, authors, completion, and the index."""
