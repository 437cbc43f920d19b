"""The glossary: terms with their forms in both languages, learnt from digests. No I/O."""
