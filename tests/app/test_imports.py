"""What a process that does not talk to Discord loads: pages, tools for agents, and a search in the shell."""

from tests.support.shell_fixtures import run_python

MODULES = (
    *("bot.features.web", "bot.features.web.service", "bot.features.web.server", "bot.features.web.site"),
    *("bot.cli.mcp_server", "bot.search.service"),
)
PROGRAM = """
import importlib, sys
for module in sys.argv[1:]:
    importlib.import_module(module)
    print(module, *sorted({"discord", "simcord"} & sys.modules.keys()))
"""


def test_pages_tools_and_search_load_no_discord_library() -> None:
    *lines, last = run_python(PROGRAM, *MODULES, "bot.papers.message_parts").stdout.splitlines()
    assert lines == [*MODULES]
    assert last == "bot.papers.message_parts discord", "the test sees a module that needs Discord's library"
