"""Discord code shared by all commands: routing, messages, options, permissions, sending and accounts."""
