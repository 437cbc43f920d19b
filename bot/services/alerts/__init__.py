"""Creates alerts, retrieves those that a new paper may match (a percolator), and plans their notifications."""
