"""The fake Discord, for tests of the whole bot as a process."""

from tests.fake_discord.fixtures import fake, fake_server

__all__ = ["fake", "fake_server"]
