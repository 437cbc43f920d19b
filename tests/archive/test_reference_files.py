"""References in files as public tools write them: each is saved or named, and what a text merely mentions is neither."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bot.archive import references

ON = date(2026, 11, 29)
FILES = json.loads((Path(__file__).parent / "data" / "reference_files.json").read_text())
"""What browsers, bookmark services, reference managers, and services of papers write, with what each of its entries is."""


@pytest.mark.parametrize("file", FILES, ids=lambda file: file["name"])
def test_the_entries_of_a_file(file: Any) -> None:
    read = references.read_references("\n".join(file["lines"]).encode(), ON)
    found = [f"{row.arxiv_id or ''} {row.title if row.arxiv_id else row.label}".strip() for row in read]
    assert found == file["entries"]
