"""Pure parsers: the Markdown of a digest to a `Digest` with its problems by line. Malformed content never raises."""
