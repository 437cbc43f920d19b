"""For operators: doctor, metrics, health, status and export."""
