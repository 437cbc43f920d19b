"""The outbox: deliveries and parts, their state transitions, queries, and the lock of the one sender."""
