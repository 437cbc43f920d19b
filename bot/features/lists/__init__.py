"""Lists and cards of papers: /topic, /author, /paper, /top, /digest."""
