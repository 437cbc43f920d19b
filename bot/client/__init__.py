"""The Discord client: commands, components, views and the REST calls of the outbox.

Only `client` and `demo` import discord.py.
"""
