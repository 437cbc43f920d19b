"""A file of references is read in a process of its own."""

from __future__ import annotations

import pytest

from bot.shelf import imports
from bot.shelf.imports import UnreadableFileError
from tests.support import patience


async def test_all_references_arrive_and_those_left_out_are_counted() -> None:
    entries = [f"@misc{{a{number}, title={{Title {number}}}}}\n" for number in range(120)]
    found, problems, left_out = await imports.read_references(
        "".join([*entries, "@misc{cut, title={"]).encode()
    )
    assert [reference["title"] for reference in found] == [f"Title {number}" for number in range(120)]
    assert (problems, left_out) == (["121"], 1)


@pytest.mark.parametrize(
    "data", [b"%PDF-1.7\n\xff\xfe", b"", b"\0" * 9, b"<?xml version='1.0'?><!DOCTYPE a [ ]><a/>"]
)
async def test_a_file_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableFileError):
        await imports.read_references(data)


async def test_a_file_that_takes_too_much_memory_or_time_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"@misc{a, title={" + b"x" * 1_000_000 + b"}}"
    with monkeypatch.context() as patch:
        patch.setattr(imports, "_MAX_MEGABYTES", 20)
        with pytest.raises(UnreadableFileError, match="within 20 MB of memory"):
            await imports.read_references(data)
    monkeypatch.setattr(imports, "MAX_SECONDS", 0.01)
    with pytest.raises(UnreadableFileError, match="too long"):
        await patience.wait_for(imports.read_references(data), 30)
