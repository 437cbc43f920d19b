"""The glossary: which Korean and English forms mean the same concept, learnt from digests."""
