"""The answer of the process that reads files of references."""

from __future__ import annotations

import asyncio

import pytest

from bot import time_slices
from bot.services.shelf import reference_process


async def test_a_large_answer_leaves_the_event_loop_a_turn_for_each_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time_slices, "SLICE_SECONDS", 0)
    reference = {"arxiv_id": "2401.00001", "title": "A title", "authors": ["A B"] * 9, "note": "", "tags": []}
    answer = reference_process.format_answer([reference] * 30_000, ["3"], 2)
    parsing = asyncio.ensure_future(reference_process.parse_answer(b"warning\n--answer--\n" + answer))
    turns = 0
    while not parsing.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns >= answer.count(b"\n") >= 500
    references, problems, left_out = await parsing
    assert (len(references), problems, left_out) == (30_000, ["3"], 2)


@pytest.mark.parametrize(
    "data", [b"%PDF-1.7\n\xff\xfe", b"", b"\0" * 9, b"<?xml version='1.0'?><!DOCTYPE a [ ]><a/>"]
)
async def test_a_file_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(reference_process.UnreadableFileError):
        await reference_process.read_references(data)
