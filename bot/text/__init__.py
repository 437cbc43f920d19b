"""Text analysis for search, alerts and author names in Korean and Latin scripts. No I/O."""
