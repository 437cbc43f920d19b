"""The writer of digests: drafts by a language model, checked against the papers."""
