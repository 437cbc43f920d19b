"""The bot as a process, killed and starved on purpose: what must stand in the channels afterwards is known."""
