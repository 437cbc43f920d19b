"""For operators: /status, doctor, health, metrics, retention; and /help, /me."""
