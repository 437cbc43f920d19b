"""What all commands share of Discord: routing, messages, options, permissions, sending, accounts."""
