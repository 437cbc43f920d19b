"""A reader's five papers of the day, chosen by the papers saved so far."""
