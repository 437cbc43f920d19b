"""The search index on both engines: full text, tiers, packed texts, authors, glossary, and the shadow index of a rebuild."""
