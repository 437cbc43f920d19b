"""Calls to Discord outside interactions: sending, history look-ups, command synchronisation, addresses and the token check."""
