"""The demo: the bot on a local page that looks like Discord, with sample digests, no token and no network."""
