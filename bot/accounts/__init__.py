"""Readers and servers: language, time zone, and what is kept about a reader."""
