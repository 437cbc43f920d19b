"""Slash commands and component handlers, one cog per noun. A handler calls a service and answers with a view."""
