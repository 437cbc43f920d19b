"""Checks what a language model claims about a paper against the paper's text, without a model."""
