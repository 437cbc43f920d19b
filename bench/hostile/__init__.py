"""Probes that repeat the figures of attacks: `python -m bench.hostile.NAME`, on loopback and bounded in time."""
