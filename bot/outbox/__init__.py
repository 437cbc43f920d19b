"""The outbox: deliveries from planned to sent. docs/delivery.md describes the protocol."""
