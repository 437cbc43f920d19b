"""Search: query parsing and expansion, candidate retrieval, scoring, autocomplete, authors and the index. See docs/search.md."""
