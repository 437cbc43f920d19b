"""The outbox: planned deliveries, attempts at their parts, holds, queries, and the lock of the one sender."""
