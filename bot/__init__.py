"""Paperround: a Discord bot that delivers each day's machine-learning papers and answers look-ups.

Layers, top to bottom: cli, demo, app, client, services, sources and rendering, digests, text. See docs/architecture.md.
"""
