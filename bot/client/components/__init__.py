"""Parts of messages: custom ids, the dynamic item behind all components, and a builder that enforces Discord's limits."""
