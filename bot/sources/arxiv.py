"""arXiv's Atom API: title, authors, categories and abstract of papers, by id. https://info.arxiv.org/help/api/

At most 100 ids a request and one request in 3 seconds, second tries included.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from urllib.parse import urlencode

from bot.digests.elements import arxiv_id
from bot.sources import base, feed_parser
from bot.sources.http import charset, errors, fetcher
from storage import models

NAME = "arxiv"
"""The name under which its facts are kept."""

IDS_A_REQUEST = 100
SECONDS_A_REQUEST = 3.0

_ERROR_MARK = "api/errors"
_UNKNOWN_AGAIN = timedelta(days=7)


class ArxivSource:
    """The API at one address. It remembers, by id, the papers that arXiv did not know: they are asked for a week later."""

    def __init__(self, address: str, fetch: fetcher.Fetcher, pace: fetcher.Pace) -> None:
        self._address = address
        self._fetch = fetch
        self._pace = pace

    async def fetch(self, visit: base.Visit) -> AsyncIterator[base.Outcome]:
        """Ask for the papers that are wanted, a hundred at a time."""
        gone = base.still_gone(self._address, visit)
        if gone is not None:
            yield gone
            return
        named = dict.fromkeys(known for name in visit.wanted if (known := arxiv_id.parse_arxiv_id(name)))
        wanted = [known for known in named if self._is_due(known, visit)]
        if not wanted:
            yield base.Outcome(self._address, models.FetchStatus.UNCHANGED, "no paper lacks its facts")
        for start in range(0, len(wanted), IDS_A_REQUEST):
            outcome = await self._read(wanted[start : start + IDS_A_REQUEST], visit)
            yield outcome
            if outcome.status is not models.FetchStatus.OK:
                return

    def _is_due(self, known: str, visit: base.Visit) -> bool:
        page = visit.pages.get(known)
        return page is None or visit.now - page.read_at >= _UNKNOWN_AGAIN

    async def _read(self, ids: Sequence[str], visit: base.Visit) -> base.Outcome:
        query = urlencode({"id_list": ",".join(ids), "max_results": len(ids)}, safe=",/")
        place = f"{self._address}{'&' if '?' in self._address else '?'}{query}"
        try:
            answer = await self._fetch.get(place, accept="application/atom+xml", pace=self._pace)
            found = await asyncio.to_thread(_parse, answer, ids, self._address)
        except errors.AbsentError as error:
            return base.Outcome(self._address, models.FetchStatus.FAILED, error.reason)
        except errors.FetchError as error:
            return base.failed(self._address, error, visit)
        missing = sorted({*ids} - {one.arxiv_id for one in found})
        pages = tuple(models.Page(known, visit.now, models.FetchStatus.NOT_YET) for known in missing)
        reason = f"arXiv does not know {', '.join(missing[:5])}" if missing else ""
        return base.Outcome(self._address, models.FetchStatus.OK, reason, facts=found, pages=pages)


def _parse(answer: fetcher.Answer, ids: Sequence[str], place: str) -> tuple[models.Facts, ...]:
    """Return what the answer says of the papers that were asked for, and of no other. Raises FetchError."""
    entries = feed_parser.parse_feed(charset.decode_text(answer.body or b"", answer.charset))
    found = {}
    for entry in entries:
        if _ERROR_MARK in entry.key:
            raise errors.FetchError(f"it reports an error: {' '.join(entry.texts)[:200]}")
        read = feed_parser.paper_facts(entry, place, NAME, answer.page.read_at)
        if read is not None and read.arxiv_id in ids:
            found[read.arxiv_id] = read
    return tuple(found.values())
