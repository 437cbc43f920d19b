"""The glossary's records: concepts, synonyms, expansions of a query, and the seed list."""
