"""Readers and guilds: their language and time zone, and the texts kept for long custom ids."""
