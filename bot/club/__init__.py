"""A server's reading club: threads about papers, and votes for the paper of each meeting."""
