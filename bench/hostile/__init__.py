"""Probes of what one hostile reader, paper, source or server costs the others: `python -m bench.hostile.NAME`."""
