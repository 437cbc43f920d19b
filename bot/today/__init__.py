"""A reader's five papers of the day, chosen on the basis of the papers they have saved."""
