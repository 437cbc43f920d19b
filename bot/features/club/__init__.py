"""A server's reading club: discussion threads, and votes on the paper for each meeting."""
