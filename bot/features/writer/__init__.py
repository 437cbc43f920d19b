"""The digest writer: a language model's drafts, checked against the papers."""
