"""A fake Discord over HTTP: REST API and Gateway with rate limits, nonces and injected faults.

It keeps `docs/services.md`, section *Discord*.
"""
