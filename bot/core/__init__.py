"""Shared by every room: settings, clock, logs, HTTP server, and work in child processes."""
