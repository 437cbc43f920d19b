"""Reads the text of a paper once: from storage, else from where it is published, else the abstract of the day's list."""

from __future__ import annotations

from bot.clock import Clock
from bot.digests import listing
from bot.digests.elements import arxiv_ids
from bot.digests.elements.summary_basis import Basis
from bot.sources import paper_text
from storage import models
from storage.database import Database
from storage.writer import paper_texts


class TextReader:
    """Reads and stores texts of papers."""

    def __init__(self, database: Database, source: paper_text.PaperTextReader, clock: Clock) -> None:
        self._database = database
        self._source = source
        self._clock = clock

    async def read(self, paper: listing.Paper) -> models.PaperText:
        """Return the full text of a paper, else its abstract; an empty text with the basis `none` without either."""
        arxiv_id, abstract = paper["arxiv_id"], str(paper.get("abstract") or "")
        async with self._database.read() as connection:
            stored = await paper_texts.get(connection, arxiv_id)
        if stored is not None:
            return stored
        text = await self._source.read(arxiv_id, str(paper.get("title") or ""))
        if text is None:
            basis = Basis.ABSTRACT if abstract else Basis.NONE
            url = arxiv_ids.huggingface_url(arxiv_id)
            return models.PaperText(arxiv_id, abstract, url, self._clock(), basis.value)
        async with self._database.transaction() as connection:
            await paper_texts.save(connection, text)
        return text
