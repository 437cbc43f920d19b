"""Output for readers: Discord's Markdown, templates and charts."""
