"""Messages as discord.py layouts built from plain data. No I/O."""
