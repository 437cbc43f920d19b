"""Text for readers: templates, Discord's Markdown and limits, charts and exports. The only I/O is reading templates."""
