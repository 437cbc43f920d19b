"""The glossary: terms and their forms in both languages, learnt from digests. No I/O."""
