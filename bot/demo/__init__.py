"""The bot on a local page that looks like Discord, with sample digests; needs no token and no network."""
