"""The glossary: Korean and English forms of the same concept, learnt from digests."""
