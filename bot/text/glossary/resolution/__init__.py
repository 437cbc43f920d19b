"""Resolution: from a typed term or a text to concepts, across languages."""
