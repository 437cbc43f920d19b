"""Writes the digest of a day with a language model: reads papers, writes drafts, checks and prints them."""
