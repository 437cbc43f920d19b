"""Discord requests outside interactions: sending, history search, command synchronisation, endpoints, token check."""
