"""A reader's five papers of the day, chosen by the papers that the reader has saved."""
