"""Maintains what search reads: the tokens of a paper, the index and its rebuild, the induction of the glossary, and the
process in which long maintenance runs. See docs/search.md.
"""
