"""arXiv's Atom API: title, authors, categories and abstract of papers, by id. https://info.arxiv.org/help/api/

At most 100 ids a request and one request in 3 seconds, second tries included.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from urllib.parse import urlencode

from bot.digests import arxiv_id
from bot.sources import charsets, failures, feed, fetcher, source
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

    async def fetch(self, visit: source.Visit) -> AsyncIterator[source.Outcome]:
        """Ask for the papers that are wanted, a hundred at a time."""
        gone = source.still_gone(self._address, visit)
        if gone is not None:
            yield gone
            return
        named = dict.fromkeys(known for name in visit.wanted if (known := arxiv_id.parse_arxiv_id(name)))
        wanted = [known for known in named if self._is_due(known, visit)]
        if not wanted:
            yield source.Outcome(self._address, models.FetchStatus.UNCHANGED, "no paper lacks its facts")
        for start in range(0, len(wanted), IDS_A_REQUEST):
            outcome = await self._read(wanted[start : start + IDS_A_REQUEST], visit)
            yield outcome
            if outcome.status is not models.FetchStatus.OK:
                return

    def _is_due(self, known: str, visit: source.Visit) -> bool:
        page = visit.pages.get(known)
        return page is None or visit.now - page.read_at >= _UNKNOWN_AGAIN

    async def _read(self, ids: Sequence[str], visit: source.Visit) -> source.Outcome:
        query = urlencode({"id_list": ",".join(ids), "max_results": len(ids)}, safe=",/")
        place = f"{self._address}{'&' if '?' in self._address else '?'}{query}"
        try:
            answer = await self._fetch.get(place, accept="application/atom+xml", pace=self._pace)
            found = await asyncio.to_thread(_parse, answer, ids, self._address)
        except failures.AbsentError as error:
            return source.Outcome(self._address, models.FetchStatus.FAILED, error.reason)
        except failures.FetchError as error:
            return source.failed(self._address, error, visit)
        missing = sorted({*ids} - {one.arxiv_id for one in found})
        pages = tuple(models.Page(known, visit.now, models.FetchStatus.NOT_YET) for known in missing)
        reason = f"arXiv does not know {', '.join(missing[:5])}" if missing else ""
        return source.Outcome(self._address, models.FetchStatus.OK, reason, facts=found, pages=pages)


def _parse(answer: fetcher.Answer, ids: Sequence[str], place: str) -> tuple[models.Facts, ...]:
    """Return what the answer says of the papers that were asked for, and of no other. Raises FetchError."""
    entries = feed.parse_feed(charsets.decode_text(answer.body or b"", answer.charset))
    found = {}
    for entry in entries:
        if _ERROR_MARK in entry.key:
            raise failures.FetchError(f"it reports an error: {' '.join(entry.texts)[:200]}")
        read = feed.paper_facts(entry, place, NAME, answer.page.read_at)
        if read is not None and read.arxiv_id in ids:
            found[read.arxiv_id] = read
    return tuple(found.values())
