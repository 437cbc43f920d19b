"""The daily post: subscriptions, when they are due, which papers they get, later edits, and `/why`."""
