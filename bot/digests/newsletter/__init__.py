"""The newsletter format: papers with votes, authors, a thumbnail and three highlights."""
