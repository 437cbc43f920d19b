"""Post contents, the record of a delivery kind, and the factory of deliveries."""
