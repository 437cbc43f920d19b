"""Probes that repeat what attacks found, each a program of its own: `python -m bench.hostile.sources`."""
