"""Markdown of digests, parsed with markdown-it and rendered as Discord's Markdown."""
