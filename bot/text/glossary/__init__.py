"""The bilingual glossary: which Korean words, English words and abbreviations are one concept.

Mined from the parentheses of the digests (`mentions`, `alignment`, `spans`, `concepts`), carried at first by a
list of ours (`seed`), asked by `resolution`. Pure: counts come in as plain rows, concepts go out as plain rows.
"""
