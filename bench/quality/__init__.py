"""Quality of search results: our own set of queries, measured on an archive of digests."""
