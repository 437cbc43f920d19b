"""Probes of attacks: each prints the figures of one finding. Loopback only, bounded in time."""
