"""Search: queries, their expansion, candidates, scoring, autocomplete, authors, and index maintenance. See docs/search.md."""
