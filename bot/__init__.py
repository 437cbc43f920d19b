"""Paperround: a Discord bot that delivers each day's machine-learning papers and answers lookups.

Each package ("room") is a feature, or a part of the platform that features share. See docs/architecture.md.
"""
