"""Fault tests of the bot as a process: kills and outages, and the messages expected afterwards."""
