"""Cards and lists of papers, which every other view shows too, and the state of a list."""
