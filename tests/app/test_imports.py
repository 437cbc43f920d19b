"""What a process that does not talk to Discord loads: pages, tools for agents, and a search in the shell."""

from __future__ import annotations

import subprocess
import sys

import pytest


def list_loaded(module: str) -> set[str]:
    """Return the top-level packages that a new interpreter has loaded after importing a module."""
    program = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module",
    [
        "bot.web",
        "bot.web.service",
        "bot.web.server",
        "bot.web.site",
        "bot.cli.mcp_server",
        "bot.search.service",
    ],
)
def test_pages_tools_and_search_load_no_discord_library(module: str) -> None:
    assert not list_loaded(module) & {"discord", "simcord"}


def test_the_oracle_sees_a_module_that_needs_discord() -> None:
    assert "discord" in list_loaded("bot.client.messages")
