"""Pure parsers: the Markdown of a digest to a `Digest`, or to problems with their lines. No I/O, never raises on content."""
