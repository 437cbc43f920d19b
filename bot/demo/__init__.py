"""The demo: the bot on a local page that looks like Discord, with sample digests but no token or network."""
