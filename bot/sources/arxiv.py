"""arXiv's Atom API: title, authors, categories and abstract of papers by id. https://info.arxiv.org/help/api/

At most 100 ids a request and one request in 3 seconds, retries included. For one id that is malformed in arXiv's eyes it
refuses the whole request, with status 400 or with an entry whose id begins with `http://arxiv.org/api/errors#incorrect_id`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

import structlog

from bot.archive import arxiv_ids
from bot.sources import base, feed, fetch_errors, url
from storage import database, models
from storage.models import FetchStatus

if TYPE_CHECKING:
    from bot.sources import fetcher
    from bot.sources.fetcher import Response

log = structlog.get_logger(__name__)

IDS_PER_REQUEST = 100

Answer = TypeVar("Answer")

_ERROR_MARK = "api/errors"
_BAD_ID_MARK = f"{_ERROR_MARK}#incorrect_id"


class ArxivSource:
    """The API at one address. Papers that arXiv does not know, refuses or cannot have are the `missing_ids` of results."""

    def __init__(self, endpoint: str, fetch: fetcher.Fetcher, throttle: fetcher.Throttle) -> None:
        self._endpoint = endpoint
        self._fetcher = fetch
        self._throttle = throttle

    async def fetch(self, request: base.FetchRequest) -> AsyncIterator[base.FetchResult]:
        """Fetch the requested papers, a hundred at a time."""
        if (gone := base.known_gone_result(self._endpoint, request)) is not None:
            yield gone
            return
        wanted, today = dict.fromkeys(request.arxiv_ids), request.now.date()
        possible = [paper_id for paper_id in wanted if arxiv_ids.is_possible(paper_id, today)]
        impossible = sorted(wanted.keys() - possible)
        if impossible or not possible:
            reason = "" if possible else "no paper lacks its facts"
            yield base.FetchResult(self._endpoint, FetchStatus.UNCHANGED, reason, missing_ids=impossible)
        try:
            for batch in database.chunked(possible, IDS_PER_REQUEST):
                async for ids, facts in read_halved(batch, self._read):
                    yield self._to_result(ids, facts)
        except fetch_errors.FetchError as error:
            yield base.failed_result(self._endpoint, error, request)

    async def _read(self, ids: Sequence[str]) -> tuple[models.PaperFacts, ...]:
        """Return the facts of the requested papers; other entries are ignored. Raises FetchError."""
        url = query_url(self._endpoint, ids)
        response = await self._fetcher.get(url, accept="application/atom+xml", throttle=self._throttle)
        facts_by_id = {}
        for entry in await read_entries(response):
            facts = feed.paper_facts(
                entry, self._endpoint, models.SourceKind.ARXIV.value, response.page_state.read_at
            )
            if facts is not None and facts.arxiv_id in ids:
                facts_by_id[facts.arxiv_id] = replace(facts, affiliations=entry.affiliations)
        return tuple(facts_by_id.values())

    def _to_result(self, ids: Sequence[str], facts: tuple[models.PaperFacts, ...] | None) -> base.FetchResult:
        missing = sorted({*ids} - {paper.arxiv_id for paper in facts or ()})
        verb = "refuses" if facts is None else "does not know"
        reason = f"arXiv {verb} {', '.join(missing[:5])}" if missing else ""
        return base.FetchResult(
            self._endpoint, FetchStatus.OK, reason, facts=facts or (), missing_ids=missing
        )


async def read_halved(
    ids: Sequence[str], read: Callable[[Sequence[str]], Awaitable[Answer]]
) -> AsyncIterator[tuple[Sequence[str], Answer | None]]:
    """Yield batches of ids with what `read` returns for each, None for a single id that arXiv refuses.

    A batch that is refused (BadRequestError) is halved until the refused id is alone. There are at most 15 requests for a
    hundred ids, enough to find one; where more are refused, those that are not reached are left out. Raises FetchError.
    """
    waiting = [ids] if ids else []
    for _ in range(1 + 2 * (len(ids) - 1).bit_length()):
        if not waiting:
            return
        batch = waiting.pop()
        try:
            yield batch, await read(batch)
        except fetch_errors.BadRequestError as error:
            if len(batch) == 1:
                log.info("arXiv refuses an id", paper=batch[0], reason=str(error))
                yield batch, None
            else:
                middle = len(batch) // 2
                waiting += [batch[middle:], batch[:middle]]


def query_url(endpoint: str, ids: Sequence[str]) -> str:
    """Return the address of the papers with these ids."""
    query = urlencode({"id_list": ",".join(ids), "max_results": len(ids)}, safe=",/")
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"


async def read_entries(response: Response) -> list[feed.FeedEntry]:
    """Return the entries of an answer. Raises FetchError, also for an error that the answer reports."""
    entries = (await feed.read_document(response)).entries
    for entry in entries:
        if _ERROR_MARK in entry.key:
            kind = fetch_errors.BadRequestError if _BAD_ID_MARK in entry.key else fetch_errors.FetchError
            raise kind(f"it reports an error: {' '.join(entry.contents)[:200]}")
    return entries


def _matches(address: str, endpoints: base.Endpoints) -> bool:
    plain = address.rstrip("/")
    is_own = plain == endpoints[models.SourceKind.ARXIV].rstrip("/")
    return "{" not in address and (is_own or plain.endswith("arxiv.org/api/query"))


def _open(address: str, options: Mapping[str, object], context: base.SourceContext) -> ArxivSource:
    """Open arXiv's own address at the endpoint of the settings, and any other address as it is."""
    endpoint = address.rstrip("/")
    if endpoint.endswith(("arxiv.org", "arxiv.org/api/query")):
        endpoint = context.endpoints[models.SourceKind.ARXIV]
    return ArxivSource(endpoint, context.fetch, context.throttles[models.SourceKind.ARXIV])


KIND = base.KindRecord(
    kind=models.SourceKind.ARXIV,
    matches=_matches,
    check=partial(url.check_undated, kind=models.SourceKind.ARXIV),
    open=_open,
    poll_interval=timedelta(minutes=5),
    stage=base.Stage.MISSING_FACTS,
    is_for_lookup=True,
    # arXiv asks for three seconds, and requests take more and less time to reach it.
    seconds_per_request=3.1,
)
