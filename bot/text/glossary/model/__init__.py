"""The glossary's data: concepts, synonyms, query expansions and the seed list."""
