"""The Discord client: commands, buttons, views and the REST calls that the outbox needs.

With `demo`, the only package that imports discord.py.
"""
