"""`paperround run`."""

from __future__ import annotations

import importlib.metadata

from tests.support.shell_fixtures import Paperround


def test_run_without_a_token_explains_how_to_get_one(paperround: Paperround) -> None:
    answer = paperround("run")
    assert answer.exit_status == 2
    assert "discord.com/developers" in answer.stderr
    assert "demo" in answer.stderr


def test_the_version_is_printed(paperround: Paperround) -> None:
    assert paperround("--version").stdout == f"paperround {importlib.metadata.version('paperround')}\n"
