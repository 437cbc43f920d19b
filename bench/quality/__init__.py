"""How well look-ups find what is there: our own set of queries, measured on an archive."""
