"""Building blocks of messages: custom ids, the dynamic item that routes them, and a builder that counts Discord's limits."""
