"""What every room uses: settings, clock, logs, and work in a process of its own."""
