"""A Discord of our own: REST and Gateway in a process of their own, with limits, nonces and faults on demand."""
