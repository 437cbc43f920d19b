"""What is kept about one reader, across all tables."""
