"""Discord code that all commands share: routing, messages, options, permissions, sending, accounts."""
