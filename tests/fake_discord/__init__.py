"""A fake Discord in its own process: REST API and Gateway with rate limits, nonces and injected faults."""
