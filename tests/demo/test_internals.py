"""SimCord's private names, which only one module uses, are those of the pinned version."""

import importlib.metadata
import re
from pathlib import Path

import simcord
from simcord.preview import _markdown, _pages, _server

BOT = Path(__file__).parents[2] / "bot"
PRIVATE = re.compile(
    r"\b(?!self)(?:preview|page|server|channel|row|source|result)\._(?!texts)[a-z]|simcord[\w.]* import _"
)


def test_the_private_names_are_those_of_the_pinned_version() -> None:
    """After an upgrade, read `simcord_internals` beside the new source; then change the number here."""
    assert importlib.metadata.version("simcord") == "3.2.1"
    assert callable(_markdown._markdown_parser)
    assert {"_action", "_publish", "_close_page", "_initial_target"} <= {*dir(simcord.Preview)}
    assert callable(simcord.Env._record_error)
    names = {"_static", "_commands", "_authorized", "_STATIC_FILES", "_SECURITY_HEADERS"}
    assert names <= {*dir(_server.PreviewServer)}
    fields = _pages._Page.__dataclass_fields__
    assert {"modal", "modal_handle", "channel_id", "target_id", "window_end_id", "viewer"} <= fields.keys()


def test_no_other_module_uses_a_private_name() -> None:
    folder = BOT / "demo"
    users = [path.name for path in folder.glob("*.py") if PRIVATE.search(path.read_text(encoding="utf-8"))]
    assert users == ["simcord_internals.py"]
