"""A reader's five papers of the day, chosen by what was saved."""
