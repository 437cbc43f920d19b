"""Five papers of the day for one reader: profiles learnt from what was saved, the day's ranking, and its delivery by DM."""
