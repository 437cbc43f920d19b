"""What readers use: each feature has its own room, and no feature imports another."""
