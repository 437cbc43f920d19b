"""What every room uses: settings, clock, errors, logs, and work in a process of its own."""
