"""Texts for readers in both languages: the Fluent files, and dates and times as each language writes them."""
