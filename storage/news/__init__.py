"""What became of saved papers, and up to where each reader was told."""
