"""What a process that does not talk to Discord loads: pages, tools for agents, and a search in the shell."""

import subprocess
import sys

MODULES = (
    "bot.features.web",
    "bot.features.web.service",
    "bot.features.web.server",
    "bot.features.web.site",
    "bot.cli.mcp_server",
    "bot.search.service",
)
PROGRAM = """
import importlib, sys
for module in sys.argv[1:]:
    importlib.import_module(module)
    print(module, *sorted({"discord", "simcord"} & sys.modules.keys()))
"""


def test_pages_tools_and_search_load_no_discord_library() -> None:
    command = sys.executable, "-c", PROGRAM, *MODULES, "bot.papers.message_parts"
    *lines, last = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines == [*MODULES]
    assert last == "bot.papers.message_parts discord", "the test sees a module that needs Discord's library"
