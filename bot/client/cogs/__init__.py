"""Slash commands and component handlers, one cog a noun. Each checks, asks a service and answers with a view."""
