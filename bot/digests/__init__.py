"""Pure parsers: the Markdown of a digest to a `Digest` and its problems by line. Content never raises."""
