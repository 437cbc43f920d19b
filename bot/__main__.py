"""Entry point of `python -m bot`, the same as `paperround`."""

from bot.cli import main

main()
