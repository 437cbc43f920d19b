"""Features for operators (/status, doctor, retention, the set-up file), and the commands /help and /me."""
