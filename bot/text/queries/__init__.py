"""Reading of questions: particles, verb endings, filler, dates and lay words. Pure."""
