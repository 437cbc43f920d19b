"""The glossary's data: concepts, query expansion by them, and the seed list."""
