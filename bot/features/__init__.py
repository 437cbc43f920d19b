"""What readers use: each feature has a room of its own, and none imports another."""
