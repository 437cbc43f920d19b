"""Text for a Discord message: escaping, length limits, tokenising and splitting without breaking Markdown."""
