"""What a process that does not talk to Discord loads: pages, tools for agents, and a search in the shell."""

import ast
import importlib.util
import subprocess
import sys
from functools import cache

from tests.support.fork_server import ROOT

MODULES = (
    "bot.web",
    "bot.web.service",
    "bot.web.server",
    "bot.web.site",
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
    command = sys.executable, "-c", PROGRAM, *MODULES, "bot.client.messages"
    *lines, last = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines == [*MODULES]
    assert last == "bot.client.messages discord", "the test sees a module that needs Discord's library"


NOT_KEPT = {"psycopg", "sqlalchemy", "email"}
"""Libraries that a bot with PostgreSQL loads at its start, and Python's own."""


def test_a_bot_has_loaded_all_that_its_functions_import() -> None:
    """An upgrade of a library under a running bot would otherwise break what first needs it."""
    late = {
        name
        for package in ("bot", "storage")
        for file in (ROOT / package).rglob("*.py")
        if not {"cli", "demo"} & {*file.relative_to(ROOT).parts}
        for outer in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(outer)
        for name in _list_imported(node)
        if name.partition(".")[0] not in NOT_KEPT
    }
    assert {"feedparser", "rapidfuzz.fuzz"} <= late
    command = sys.executable, "-c", KEPT, *sorted(late)
    printed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert printed.split() == []


KEPT = """
import sys
from bot.app import front
from bot.core import program
with program.kept():
    print(*(name for name in sys.argv[1:] if name not in sys.modules))
"""


def _list_imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom) or node.module is None:
        return []
    inner = (f"{node.module}.{alias.name}" for alias in node.names)
    return [node.module, *filter(_is_module, inner)]


@cache
def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
