"""Code shared by all packages: settings, clock, logs, HTTP server and child processes."""
