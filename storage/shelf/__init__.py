"""Readers' saved papers, and what the members of a server shared."""
