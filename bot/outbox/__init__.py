"""The outbox: deliveries from planned to sent. The protocol: docs/delivery.md."""
