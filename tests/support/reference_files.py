"""Whole files of references."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from bot.archive.exports import ReferenceFile, ReferenceFormat
from storage.models import SavedPaper


def render_references(
    form: ReferenceFormat, papers: Iterable[SavedPaper], confirmed_ids: Collection[int]
) -> str:
    """Return the papers, in the order given, as the text of one file."""
    file = ReferenceFile(form)
    return "".join([file.start, *(file.add(paper, confirmed_ids) for paper in papers), file.end])
