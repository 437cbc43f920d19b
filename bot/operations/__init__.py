"""Features for operators (/status, doctor, retention, the set-up file), and /help and /me."""
