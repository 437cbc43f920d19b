"""For operators: /status, doctor, retention, the set-up file; and /help, /me."""
