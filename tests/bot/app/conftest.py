"""The fake Discord, for tests that run the bot as a process."""

from tests.fake_discord.fixtures import fake, fake_server

__all__ = ["fake", "fake_server"]
