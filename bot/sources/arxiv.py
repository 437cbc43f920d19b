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

IDS_PER_REQUEST = 100
SECONDS_PER_REQUEST = 3.0

_ERROR_MARK = "api/errors"
_UNKNOWN_RETRY_INTERVAL = timedelta(days=7)


class ArxivSource:
    """The API at one address. It remembers, by id, the papers that arXiv did not know: they are asked for a week later."""

    def __init__(self, endpoint: str, fetch: fetcher.Fetcher, throttle: fetcher.Throttle) -> None:
        self._endpoint = endpoint
        self._fetcher = fetch
        self._throttle = throttle

    async def fetch(self, request: base.FetchRequest) -> AsyncIterator[base.FetchResult]:
        """Ask for the papers that are wanted, a hundred at a time."""
        gone = base.known_gone_result(self._endpoint, request)
        if gone is not None:
            yield gone
            return
        named = dict.fromkeys(
            known for name in request.arxiv_ids if (known := arxiv_id.extract_arxiv_id(name))
        )
        wanted = [known for known in named if self._is_due(known, request)]
        if not wanted:
            yield base.FetchResult(self._endpoint, models.FetchStatus.UNCHANGED, "no paper lacks its facts")
        for start in range(0, len(wanted), IDS_PER_REQUEST):
            outcome = await self._fetch_batch(wanted[start : start + IDS_PER_REQUEST], request)
            yield outcome
            if outcome.status is not models.FetchStatus.OK:
                return

    def _is_due(self, known: str, visit: base.FetchRequest) -> bool:
        page = visit.page_states.get(known)
        return page is None or visit.now - page.read_at >= _UNKNOWN_RETRY_INTERVAL

    async def _fetch_batch(self, ids: Sequence[str], visit: base.FetchRequest) -> base.FetchResult:
        query = urlencode({"id_list": ",".join(ids), "max_results": len(ids)}, safe=",/")
        place = f"{self._endpoint}{'&' if '?' in self._endpoint else '?'}{query}"
        try:
            answer = await self._fetcher.get(place, accept="application/atom+xml", throttle=self._throttle)
            found = await asyncio.to_thread(_parse_response, answer, ids, self._endpoint)
        except errors.NotFoundError as error:
            return base.FetchResult(self._endpoint, models.FetchStatus.FAILED, error.reason)
        except errors.FetchError as error:
            return base.failed_result(self._endpoint, error, visit)
        missing = sorted({*ids} - {one.arxiv_id for one in found})
        pages = tuple(models.PageState(known, visit.now, models.FetchStatus.NOT_YET) for known in missing)
        reason = f"arXiv does not know {', '.join(missing[:5])}" if missing else ""
        return base.FetchResult(self._endpoint, models.FetchStatus.OK, reason, facts=found, page_states=pages)


def _parse_response(
    answer: fetcher.Response, ids: Sequence[str], place: str
) -> tuple[models.PaperFacts, ...]:
    """Return what the answer says of the papers that were asked for, and of no other. Raises FetchError."""
    entries = feed_parser.parse_feed(charset.decode_text(answer.body or b"", answer.charset))
    found = {}
    for entry in entries:
        if _ERROR_MARK in entry.key:
            raise errors.FetchError(f"it reports an error: {' '.join(entry.contents)[:200]}")
        read = feed_parser.paper_facts(entry, place, NAME, answer.page_state.read_at)
        if read is not None and read.arxiv_id in ids:
            found[read.arxiv_id] = read
    return tuple(found.values())
