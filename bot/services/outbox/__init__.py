"""Delivery: the relay that claims parts from the outbox, attempts them, and records each outcome. Protocol: docs/delivery.md."""
