"""Sentences that a language model writes about a paper: its client, and the checks of form, numbers and proof."""
