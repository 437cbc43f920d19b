"""Trends (a topic's papers by month) and rising topics: counted in `service` and `rising`, worded for Discord and the web."""
