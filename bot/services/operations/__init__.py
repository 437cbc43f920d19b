"""For operators: doctor, metrics, health, status, export and maintenance."""
