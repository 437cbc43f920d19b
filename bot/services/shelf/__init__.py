"""Readers' saved papers: notes, tags, search, export and import, and what the members of a server saved or shared."""
