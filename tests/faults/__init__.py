"""Fault tests of the bot as a process: kills, outages and changed permissions, and the messages expected afterwards."""
