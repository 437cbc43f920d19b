"""`paperround deliveries`."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from tests.bot.cli.conftest import ADD_CHANNEL, PAPERS, Paperround


def test_deliveries_of_an_unknown_state_are_wrong_usage(paperround: Paperround) -> None:
    assert paperround("deliveries", "--json").data == []
    answer = paperround("deliveries", "--state", "lost")
    assert answer.exit_status == 2
    assert "uncertain" in answer.stderr
