"""Text for readers: templates and wording, Discord's Markdown and limits, charts and exports. No I/O but templates."""
