"""The composition root: opens everything in order, starts the long-lived work, closes it all in reverse."""
