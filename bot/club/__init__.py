"""A server's reading club: discussion threads, and a vote for the paper of each meeting."""
