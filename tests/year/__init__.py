"""A year of the bot as a process, in less than an hour: `make test-year`."""
